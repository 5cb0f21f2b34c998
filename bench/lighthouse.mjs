// node lighthouse.mjs FOLDER: reads [{page, url, cookie, profile, throttling, categories}] as JSON lines, writes one line of scores for each.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.argv[2]}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { default: lighthouse } = await load('lighthouse');
const { launch } = await load('chrome-launcher');

const chrome = await launch({
  chromePath: process.env.CHROME_PATH,
  chromeFlags: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--ignore-certificate-errors'],
});
for (const sign of ['SIGINT', 'SIGTERM']) process.on(sign, () => { chrome.kill(); process.exit(130); });

for await (const line of createInterface({ input: process.stdin })) {
  const { page, url, cookie, profile, throttling, categories } = JSON.parse(line);
  const settings = { output: 'json', onlyCategories: categories, throttling, extraHeaders: { Cookie: cookie }, disableFullPageScreenshot: true };
  const { lhr } = await lighthouse(url, { port: chrome.port, logLevel: 'silent', ...settings });
  const value = (id) => lhr.audits[id]?.numericValue ?? null;
  const scores = Object.fromEntries(Object.entries(lhr.categories).map(([id, { score }]) => [id, score === null ? null : Math.round(score * 100)]));
  const failed = Object.values(lhr.categories).filter(({ id }) => id !== 'performance').flatMap(({ id, auditRefs }) => auditRefs.filter(({ id: audit, weight }) => weight && lhr.audits[audit].score !== null && lhr.audits[audit].score < 1).map(({ id: audit }) => `${id}: ${audit}`));
  console.log(JSON.stringify({ page, profile, scores, failed, error: lhr.runtimeError?.message ?? '', fcp: value('first-contentful-paint'), lcp: value('largest-contentful-paint'), tbt: value('total-blocking-time'), cls: value('cumulative-layout-shift') }));
}
chrome.kill();
