/* Failures said aloud, busy marks, kept focus, quantity buttons. Every page works without this file. */
const on = (name, act) => document.addEventListener(name, act);
const byId = (id) => document.getElementById(id);

function focusOn(element) {
  if (element?.tabIndex < 0) element.setAttribute('tabindex', -1);
  element?.focus();
}

// A notice that came with the page stands in it; a later one must be seen wherever the page is scrolled to.
const detach = () => document.querySelector('.in-flow')?.classList.remove('in-flow');

on('shop:notice', ({ detail: { kind, text, again } }) => {
  const line = document.createElement('div');
  line.className = `notice ${kind}`;
  line.append(Object.assign(document.createElement('p'), { textContent: text }));
  if (again) line.append(Object.assign(document.createElement('button'), { type: 'button', className: 'text', textContent: '다시 시도', onclick: again }));
  detach();
  byId('web-notice').replaceChildren(line);
});

function failed({ detail: { ctx } }) {
  const form = ctx?.sourceElement;
  if (!form?.matches('form')) return; // polls and checks while typing try again by themselves
  const again = () => {
    if (!form.isConnected) return location.reload();
    focusOn(form.querySelector('[type=number], [type=submit]'));
    form.requestSubmit();
  };
  const text = navigator.onLine ? '응답을 받지 못했습니다. 잠시 뒤 다시 시도해 주십시오.' : '인터넷에 연결되어 있지 않습니다.';
  document.dispatchEvent(new CustomEvent('shop:notice', { detail: { kind: 'error', text, again } }));
}
const isOurs = (ctx) => ctx.hx.redirect || ctx.text.includes('<hx-partial');
on('htmx:error', failed);
on('htmx:response:error', (event) => isOurs(event.detail.ctx) || failed(event));

on('htmx:before:request', ({ detail: { ctx } }) => {
  ctx.sourceElement.setAttribute('aria-busy', true);
  if (ctx.sourceElement.matches('form')) byId('web-notice').replaceChildren();
});
on('htmx:finally:request', ({ detail: { ctx } }) => ctx.sourceElement.removeAttribute('aria-busy'));

// Focus must not fall to the top of the page when what held it is gone.
let held;
let heirs;
on('htmx:before:swap', () => {
  detach();
  held = document.activeElement;
  const item = held.closest('[data-focus-after]');
  heirs = item ? [item.id, item.nextElementSibling?.id, item.previousElementSibling?.id, item.dataset.focusAfter] : ['main'];
});
on('htmx:after:swap', ({ detail: { ctx } }) => {
  if (held !== document.body && document.activeElement === document.body) {
    const heir = heirs.map(byId).find((element) => element?.childElementCount || element?.matches('h1'));
    focusOn(heir?.querySelector('h1, h2') ?? heir);
  }
  // The server's quantity wins, unless it refused the shopper's or the shopper has typed on meanwhile.
  const input = ctx.sourceElement.querySelector('.stepper [type=number]');
  if (input && ctx.response.raw.ok && ctx.request.body?.get?.('quantity') === input.value) input.value = input.defaultValue;
});

on('click', (event) => {
  const button = event.target.closest('[data-step], [data-close], [data-print]');
  if (!button) return;
  if (button.dataset.step) {
    event.preventDefault();
    const input = button.parentElement.querySelector('[type=number]');
    input.value = Math.min(input.max, Math.max(input.min, +input.value + +button.dataset.step));
    input.dispatchEvent(new Event('input', { bubbles: true }));
  } else if ('close' in button.dataset) {
    byId('web-notice').replaceChildren();
    focusOn(byId('main'));
  } else print();
});
