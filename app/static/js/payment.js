/* Draws the Toss payment widget into #payments-widget and starts the payment. */
const widget = document.getElementById('payments-widget');
const pay = document.getElementById('payments-pay');
const order = widget.dataset;
const said = JSON.parse(order.said);
const say = (detail) => dispatchEvent(new CustomEvent('shop:notice', { detail }));

const load = (url) => new Promise((done, fail) => {
  if (window.TossPayments) return done();
  document.head.append(Object.assign(document.createElement('script'), { src: url, onload: done, onerror: fail }));
});

async function draw() {
  await load(order.sdkUrl);
  const widgets = window.TossPayments(order.clientKey).widgets({ customerKey: order.customerKey });
  await widgets.setAmount({ currency: 'KRW', value: Number(order.amount) });
  await Promise.all([
    widgets.renderPaymentMethods({ selector: '#payments-methods', variantKey: 'DEFAULT' }),
    widgets.renderAgreement({ selector: '#payments-agreement', variantKey: 'AGREEMENT' }),
  ]);
  return widgets;
}

async function request(widgets) {
  pay.disabled = true;
  try {
    await widgets.requestPayment({
      orderId: order.paymentNo,
      orderName: order.orderName,
      customerName: order.customerName || null,
      customerMobilePhone: order.customerPhone || null,
      successUrl: order.successUrl,
      failUrl: order.failUrl,
    });
  } catch (error) {
    say({ text: said[error.code] ?? said.unopened, kind: error.code in said ? 'warn' : 'error' });
    ready();
    pay.focus();
  }
}

function ready() {
  widget.removeAttribute('aria-busy');
  pay.disabled = false;
}

async function start() {
  try {
    const widgets = await draw();
    pay.onclick = () => request(widgets);
    ready();
  } catch {
    say({ text: said.undrawn, again: 1 }); // by loading the page anew
  }
}

// A return by the Back button finds the page as it was left: the button must work again.
window.addEventListener('pageshow', (event) => { if (event.persisted) ready(); });
start();
