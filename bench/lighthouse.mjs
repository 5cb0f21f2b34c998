// node lighthouse.mjs FOLDER: Lighthouse of FOLDER looks at the page of each line of its input, and says what it saw in a line.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.argv[2]}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { default: lighthouse } = await load('lighthouse');
const { launch } = await load('chrome-launcher');
const { default: puppeteer } = await load('puppeteer-core');

const chrome = await launch({ chromePath: process.env.CHROME_PATH, chromeFlags: JSON.parse(process.env.CHROME_FLAGS) });
for (const sign of ['SIGINT', 'SIGTERM']) process.on(sign, () => { chrome.kill(); process.exit(130); });
const browser = await puppeteer.connect({ browserURL: `http://127.0.0.1:${chrome.port}` });
const jar = await browser.target().createCDPSession();

async function look({ url, cookies, throttling, categories }) {
  await jar.send('Storage.clearCookies');
  await jar.send('Storage.setCookies', { cookies: cookies.map(({ name, value }) => ({ name, value, url, path: '/', secure: true })) });
  const settings = { output: 'json', onlyCategories: categories, throttling, disableFullPageScreenshot: true };
  return (await lighthouse(url, { port: chrome.port, logLevel: 'silent', ...settings })).lhr;
}

function failedIn(lhr, { id, auditRefs }) {
  return auditRefs.filter(({ id: audit, weight }) => weight && (lhr.audits[audit].score ?? 1) < 1).map(({ id: audit }) => `${id}: ${audit}`);
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  let lhr = await look(question);
  if (lhr.runtimeError) lhr = await look(question); // on a busy machine a trace is lost now and then
  const categories = Object.values(lhr.categories);
  const value = (id) => lhr.audits[id]?.numericValue ?? null;
  console.log(JSON.stringify({
    page: question.page,
    profile: question.profile,
    scores: Object.fromEntries(categories.map(({ id, score }) => [id, score === null ? null : Math.round(score * 100)])),
    failed: categories.filter(({ id }) => id !== 'performance').flatMap((category) => failedIn(lhr, category)),
    error: lhr.runtimeError?.code ?? '',
    fcp: value('first-contentful-paint'),
    lcp: value('largest-contentful-paint'),
    tbt: value('total-blocking-time'),
    cls: value('cumulative-layout-shift'),
  }));
}
await browser.disconnect();
chrome.kill();
