/* What html-validate-11.21.1.min.js is bundled from; README.md beside it says how. */
import { HtmlValidate, StaticConfigLoader } from 'html-validate/browser';

globalThis.validateHtml = (config) => {
  const validator = new HtmlValidate(new StaticConfigLoader(config));
  return (markup) => validator.validateStringSync(markup).results
    .flatMap((result) => result.messages)
    .map(({ ruleId, message, line, column }) => `${line}:${column} ${ruleId}: ${message}`);
};
