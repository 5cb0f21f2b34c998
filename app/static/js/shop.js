/* Failures said aloud, busy marks, kept focus, quantity buttons. Every page works without this file. */
const on = (name, act) => addEventListener(name, act);
const slot = document.querySelector('.notice-slot');
const words = slot.dataset;
const number = '[type=number]';
const main = document.getElementById('main');
const notice = () => document.getElementById('web-notice');

function focusOn(element) {
  if (element.tabIndex < 0) element.tabIndex = -1;
  element.focus();
}

// A notice that came with the page stands in it; a later one must be seen wherever the page is scrolled to.
const detach = () => slot.classList.remove('in-flow');

function say({ text, again, kind = 'error' }) {
  const line = slot.querySelector('template').content.firstChild.cloneNode(true);
  line.classList.add(kind);
  line.firstChild.textContent = text;
  if (!again) line.lastChild.remove();
  detach();
  notice().replaceChildren(line);
}
on('shop:notice', ({ detail }) => say(detail));

// No answer is no refusal: what was asked may have been done, and asking once more does it once.
let failed;
let timer;
function fail(ctx, why, known) {
  failed = ctx;
  const text = [navigator.onLine ? why : words.offline, known ?? ctx.sourceElement.dataset.unknown ?? words.unknown];
  say({ text: text.join(' '), again: 1 });
}
const lose = ({ detail: { ctx } }) => ctx?.timer && fail(ctx, words.lost);
const wait = (ctx) => setTimeout(fail, 5000, ctx, words.slow);
on('htmx:error', lose);

// One form's failure is said until that form has its answer.
function clear(form) {
  if (failed && failed.sourceElement !== form) return;
  failed = null;
  notice().replaceChildren();
}

on('htmx:before:request', (event) => {
  const { ctx } = event.detail;
  const form = ctx.sourceElement;
  const typed = form.querySelector('.line ' + number);
  // Out of date before it left the queue: what was typed since follows.
  if (typed?.validity.valid && ctx.request.body.get('quantity') !== typed.value) return event.preventDefault();
  ctx.busy = form.closest('.line') ?? form;
  ctx.busy.ariaBusy = true;
  if (!form.action) return; // polls, and checks while typing, try again by themselves
  clear(form);
  ctx.timer = wait(ctx);
});
on('htmx:finally:request', ({ detail: { ctx } }) => {
  clearTimeout(ctx.timer);
  if (ctx.busy) ctx.busy.ariaBusy = null;
});

// Plain forms leave the page, and what was typed into it: not without a net. Until the answer comes it is there.
on('submit', (event) => {
  const { target: form, submitter } = event;
  if (form.method !== 'post' || form.dataset.hxPost) return;
  const ctx = { sourceElement: form, request: { submitter } };
  if (navigator.onLine) timer = wait(ctx);
  else event.preventDefault(fail(ctx, '', words.unsent));
});
on('pagehide', () => clearTimeout(timer));

// Focus must not fall to the top of the page when what held it is gone.
let held;
let heirs;
on('htmx:before:swap', (event) => {
  const { ctx } = event.detail;
  if (!ctx.text.includes('<hx-partial')) return event.preventDefault(lose(event)); // somebody else's page
  if (ctx.text.includes('data-again')) failed = ctx;
  else if (failed === ctx) clear(ctx.sourceElement);
  detach();
  held = document.activeElement;
  const item = held.closest('[data-focus-after]') ?? main;
  heirs = [item, item.nextElementSibling, item.previousElementSibling, main];
});
on('htmx:after:swap', ({ detail: { ctx } }) => {
  if (held !== document.body && document.activeElement === document.body) {
    const heir = heirs.find((element) => element?.isConnected && element.innerText);
    focusOn(heir.querySelector('h1, h2') ?? heir);
  }
  // The server's quantity wins, unless it refused the shopper's or the shopper has typed on meanwhile.
  const input = ctx.sourceElement.querySelector('.stepper ' + number);
  if (input && ctx.response.raw.ok && ctx.request.body.get('quantity') === input.value) input.value = input.defaultValue;
});

on('click', (event) => {
  const button = event.target.closest('[data-step], [data-again], [data-close], [data-print]');
  const { step, again, close } = button?.dataset ?? {};
  if (step) {
    event.preventDefault();
    const input = button.parentElement.querySelector(number);
    input[step]();
    input.dispatchEvent(new Event('input', { bubbles: true }));
  } else if (again) {
    const form = failed?.sourceElement;
    if (!form?.isConnected) return location.reload();
    const { submitter, abort } = failed.request;
    abort?.();
    focusOn(submitter ?? form.querySelector(number + ', [type=submit]'));
    setTimeout(() => form.requestSubmit(submitter)); // until then the aborted one has left the queue
  } else if (close) {
    notice().replaceChildren();
    focusOn(main);
  } else if (button) print();
});
