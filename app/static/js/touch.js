/* The first touch brings a page's scripts: whoever only looks is not sent them. What was pressed waits for them. */
const byId = (id) => document.getElementById(id);
const arrive = (node) => new Promise((done, fail) => {
  node.removeAttribute('type'); // a module that did not come is not asked for again
  node.onload = done;
  node.onerror = fail;
  document.head.append(node);
  if (!node.src) done();
});
let coming;
let here;
let again;

function say() {
  const slot = document.querySelector('.notice-slot');
  const line = slot.querySelector('template').content.firstChild.cloneNode(true);
  line.classList.add('error');
  line.firstChild.textContent = slot.dataset.offline;
  byId('web-notice').replaceChildren(line);
}

function bring() {
  const nodes = [...byId('scripts').content.cloneNode(true).children];
  return coming ??= Promise.all(nodes.map(arrive)).then(
    () => new Promise((done) => setTimeout(done, 0, here = true)), // htmx begins in a turn of its own
    () => { coming = say(); },
  );
}

async function hold(event, pressed, press) {
  if (here || !pressed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (pressed.ariaBusy) return;
  pressed.ariaBusy = true;
  again = press;
  await bring();
  pressed.ariaBusy = null;
  if (here) press();
}

for (const sign of ['pointerdown', 'keydown', 'focusin']) addEventListener(sign, bring, { once: true, passive: true });
addEventListener('submit', (event) => {
  const { target, submitter } = event;
  hold(event, target.closest('[data-hx-post]'), () => {
    submitter?.focus();
    target.requestSubmit(submitter);
  });
}, true);
addEventListener('click', (event) => {
  const button = event.target.closest('[data-step], [data-again]');
  hold(event, button, button?.dataset.again ? again : () => button.click());
}, true);
