/* What is wrong with the page as it stands, one line each. */
(() => {
  const wrong = [];
  const name = (element) => `<${element.tagName.toLowerCase()} id=${element.id} class=${element.className}> ${(element.textContent || element.name || '').trim().slice(0, 24)}`;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().width > 1;
  const named = (element) => element.textContent.trim() || element.getAttribute('aria-label') || element.querySelector('img[alt]:not([alt=""])');

  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) {
    const wide = all('body *').filter((element) => shown(element) && element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('.strip'));
    wrong.push(`scrolls sideways: ${root.scrollWidth} > ${innerWidth}: ${wide.slice(0, 3).map(name).join('; ')}`);
  }
  if (root.lang !== 'ko') wrong.push(`lang=${root.lang}`);
  if (!/.+ · .+/.test(document.title)) wrong.push(`title: ${document.title}`);
  const headings = all('h1');
  if (headings.length !== 1 || !headings[0].textContent.trim()) wrong.push(`${headings.length} h1`);
  all('h1, h2, h3, h4').reduce((last, heading) => {
    const level = Number(heading.tagName[1]);
    if (level > last + 1) wrong.push(`h${last} is followed by h${level}: ${name(heading)}`);
    return level;
  }, 0);
  const ids = all('[id]').map((element) => element.id);
  for (const id of new Set(ids.filter((one, place) => ids.indexOf(one) !== place))) wrong.push(`id twice: ${id}`);
  for (const attribute of ['for', 'aria-labelledby', 'aria-describedby', 'form']) {
    for (const element of all(`[${attribute}]`)) {
      for (const id of element.getAttribute(attribute).split(' ')) if (!document.getElementById(id)) wrong.push(`${attribute}=${id} leads nowhere`);
    }
  }
  for (const input of all('input:not([type=hidden]), select, textarea')) if (!input.labels.length && !input.getAttribute('aria-label')) wrong.push(`no label: ${name(input)}`);
  for (const element of all('a[href], button')) if (!named(element)) wrong.push(`no name: ${name(element)}`);
  for (const image of all('img')) {
    if (!image.hasAttribute('alt')) wrong.push(`no alt: ${image.src}`);
    if (!image.hasAttribute('width') || !image.hasAttribute('height')) wrong.push(`no size: ${image.src}`);
    if (image.complete && !image.naturalWidth) wrong.push(`broken: ${image.src}`);
  }
  for (const input of all('input:checked')) wrong.push(`arrives ticked: ${name(input)}`);

  for (const element of all('a[href], button, input:not([type=hidden]), select, textarea')) {
    if (!shown(element)) continue;
    const style = getComputedStyle(element);
    // A link within a sentence is as high as its line; a card's link is as large as the card.
    const inSentence = style.display === 'inline' && element.parentElement.textContent.trim() !== element.textContent.trim();
    const spread = getComputedStyle(element, '::after').position === 'absolute';
    const target = element.matches('[type=radio], [type=checkbox]') ? element.labels[0] : element;
    const box = (spread ? element.offsetParent : target).getBoundingClientRect();
    if (!inSentence && Math.min(box.width, box.height) < 47.5) wrong.push(`small, ${Math.round(box.width)}x${Math.round(box.height)}: ${name(element)}`);
  }
  return wrong;
})()
