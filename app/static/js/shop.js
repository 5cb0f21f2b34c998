/* Failures said aloud, busy marks, kept focus, quantity buttons; the first touch brings htmx. Pages work without it all. */
const on = (name, act, once) => addEventListener(name, act, { once });
const find = (what, where = document) => where.querySelector(what);
const slot = find('.notice-slot');
const words = slot.dataset;
const main = find('main');
const quantity = (form) => find('[type=number]', form);

function focusOn(element) {
  element.tabIndex += 0; // written down: what can have no focus by itself may be given it now
  element.focus();
}

// The one way for text to become a page's: answers of the shop, which never bring a script along.
window.trustedTypes?.createPolicy('default', { createHTML: (text) => (text.includes('<script') ? null : text) });

// A notice that came with the page stands in it; a later one must be seen wherever the page is scrolled to.
const detach = () => slot.classList.remove('in-flow');

// No answer is no refusal: what was asked may have been done, and asking once more does it once.
let failed, timer;
function show(...lines) {
  failed = 0;
  detach();
  find('#web-notice').replaceChildren(...lines);
}

function say({ text, again, kind = 'error' }) {
  const line = find('template', slot).content.firstChild.cloneNode(true);
  line.classList.add(kind);
  line.firstChild.textContent = text;
  if (!again) line.lastChild.remove();
  show(line);
}
on('shop:notice', ({ detail }) => say(detail));

function fail(ctx, why, known = ctx.sourceElement.dataset.unknown ?? words.unknown) {
  say({ text: `${navigator.onLine ? why : words.offline} ${known}`, again: 1 });
  failed = ctx;
}
const lose = ({ detail: { ctx } }) => ctx?.timer && fail(ctx, words.lost);
const wait = (ctx) => setTimeout(fail, 5000, ctx, words.slow);
on('htmx:error', lose);

on('htmx:before:request', (event) => {
  const { ctx } = event.detail;
  const form = ctx.sourceElement;
  const input = quantity(form);
  // Out of date before it left the queue: what was typed since follows.
  if (input?.validity.valid && ctx.request.body.get('quantity') !== input.value) return event.preventDefault();
  ctx.busy = form.closest('.line') ?? form;
  ctx.busy.ariaBusy = true;
  if (!form.action) return; // polls, and checks while typing, try again by themselves
  if (!failed || failed.sourceElement === form) show(); // one form's failure is said until that form has its answer
  ctx.timer = wait(ctx);
});
on('htmx:finally:request', ({ detail: { ctx } }) => {
  clearTimeout(ctx.timer);
  if (ctx.busy) ctx.busy.ariaBusy = null;
});

// Whoever only looks is not sent htmx: the first touch brings it, and what was pressed waits for it.
const later = find('#later');
let ready = !later, coming = ready;
const bring = () => coming ||= new Promise((done) => {
  const script = later.content.firstChild.cloneNode(true);
  on('htmx:after:process', () => done(ready = true), true); // no press comes between its beginning and this
  script.onerror = () => done(coming = 0);
  document.head.append(script);
});
on('pointerdown', bring, true);
on('keydown', bring, true);
on('focusin', bring, true);

// Plain forms leave the page, and what was typed into it: not without a net. Until the answer comes it is there.
on('submit', async (event) => {
  const { target: form, submitter } = event;
  const ctx = { sourceElement: form, request: { submitter } };
  if (form.dataset.hxPost) {
    if (ready) return;
    event.preventDefault();
    if (form.ariaBusy) return;
    form.ariaBusy = true;
    await bring();
    form.ariaBusy = null;
    if (ready) form.requestSubmit(submitter);
    else fail(ctx, words.lost, words.unsent);
  } else if (form.method === 'post') {
    if (navigator.onLine) timer = wait(ctx);
    else event.preventDefault(fail(ctx, '', words.unsent));
  }
});
on('pagehide', () => clearTimeout(timer));

// Focus must not fall to the top of the page when what held it is gone.
let held, heirs;
on('htmx:before:swap', (event) => {
  const { ctx } = event.detail;
  if (!ctx.text.includes('<hx-partial')) return event.preventDefault(lose(event)); // somebody else's page
  if (ctx.text.includes('data-again')) failed = ctx;
  else if (failed === ctx) show();
  detach();
  held = document.activeElement;
  const item = held.closest('[data-focus-after]') ?? main;
  heirs = [item, item.nextElementSibling, item.previousElementSibling, main];
});
on('htmx:after:swap', ({ detail: { ctx } }) => {
  if (held !== document.body && document.activeElement === document.body) {
    const heir = heirs.find((element) => element?.isConnected && element.innerText);
    focusOn(find('h1,h2', heir) ?? heir);
  }
  // The server's quantity wins, unless it refused the shopper's or the shopper has typed on meanwhile.
  const named = find('[data-title]');
  if (named) document.title = named.dataset.title;
  const input = quantity(ctx.sourceElement);
  if (input && ctx.response.raw.ok && ctx.request.body.get('quantity') === input.value) input.value = input.defaultValue;
});

on('click', (event) => {
  const button = event.target.closest('button') ?? slot;
  const { step, again, close, print: paper } = button.dataset;
  if (step) {
    event.preventDefault();
    const input = quantity(button.parentElement);
    input[step]();
    input.dispatchEvent(new Event('input', { bubbles: true }));
  } else if (again) {
    const form = failed?.sourceElement;
    if (!form?.isConnected) return location.reload();
    const { submitter, abort } = failed.request;
    abort?.();
    focusOn(submitter ?? find('[type=number],[type=submit]', form));
    setTimeout(() => form.requestSubmit(submitter)); // until then the aborted one has left the queue
  } else if (close) {
    show();
    focusOn(main);
  } else if (paper) print();
});
