/* Draws the Toss payment widget into #payments-widget and starts the payment. */
const widget = document.getElementById('payments-widget');
const pay = document.getElementById('payments-pay');
const order = widget.dataset;
const say = (text, kind = 'error', again) => document.dispatchEvent(new CustomEvent('shop:notice', { detail: { kind, text, again } }));

const sentences = {
  USER_CANCEL: '결제를 그만두셨습니다. 주문은 그대로 있으며, 결제되지 않았습니다.',
  PAY_PROCESS_CANCELED: '결제를 그만두셨습니다. 주문은 그대로 있으며, 결제되지 않았습니다.',
  NEED_AGREEMENT_WITH_REQUIRED_TERMS: '필수 약관에 동의해 주십시오.',
  NOT_SELECTED_PAYMENT_METHOD: '결제 수단을 골라 주십시오.',
  NEED_CARD_PAYMENT_DETAIL: '카드사를 골라 주십시오.',
  NEED_REFUND_ACCOUNT_DETAIL: '환불받으실 계좌를 적어 주십시오.',
  INVALID_METHOD_TRANSACTION: '결제창이 이미 열려 있습니다.',
  PROVIDER_STATUS_UNHEALTHY: '이 결제 수단에 장애가 있습니다. 다른 결제 수단을 골라 주십시오.',
  REJECT_CARD_COMPANY: '카드사에서 승인을 거절했습니다. 다른 결제 수단을 골라 주십시오.',
};

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
    say(sentences[error.code] ?? '결제창을 열지 못했습니다. 결제되지 않았으니 잠시 뒤 다시 눌러 주십시오.', error.code in sentences ? 'warn' : 'error');
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
    say('결제 수단을 불러오지 못했습니다. 주문은 그대로 있으며, 결제되지 않았습니다.', 'error', () => location.reload());
  }
}

// A return by the Back button finds the page as it was left: the button must work again.
window.addEventListener('pageshow', (event) => { if (event.persisted) ready(); });
start();
