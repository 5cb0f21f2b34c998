/* The widget of the sandbox: the same members, call order and error codes as the v2 standard SDK. */
(function () {
  "use strict";

  const ORIGIN = new URL(document.currentScript.src).origin;
  const ANONYMOUS = "@@ANONYMOUS";
  const CUSTOMER_KEY = /^[A-Za-z0-9\-_=.@]{2,50}$/;
  const ORDER_ID = /^[A-Za-z0-9_=-]{6,64}$/;
  const MESSAGES = {
    AGREEMENT_WIDGET_ALREADY_RENDERED: "약관 위젯이 이미 렌더링되었습니다.",
    BELOW_ZERO_AMOUNT: "금액은 0보다 커야 합니다.",
    INCORRECT_FAIL_URL_FORMAT: "failUrl은 origin을 포함한 주소여야 합니다.",
    INCORRECT_SUCCESS_URL_FORMAT: "successUrl은 origin을 포함한 주소여야 합니다.",
    INSECURE_KEY_USAGE: "시크릿 키는 브라우저에서 사용할 수 없습니다.",
    INVALID_AMOUNT_CURRENCY: "지원하지 않는 통화입니다.",
    INVALID_AMOUNT_VALUE: "금액은 숫자여야 합니다.",
    INVALID_CLIENT_KEY: "클라이언트 키를 확인해주세요.",
    INVALID_CUSTOMER_KEY: "customerKey 형식을 확인해주세요.",
    INVALID_METADATA: "metadata 형식을 확인해주세요.",
    INVALID_METHOD_TRANSACTION: "다른 요청이 진행 중입니다.",
    INVALID_PARAMETERS: "요청 값을 확인해주세요.",
    INVALID_SELECTOR: "selector에 해당하는 요소를 찾을 수 없습니다.",
    INVALID_VARIANT_KEY: "variantKey를 확인해주세요.",
    NEED_AGREEMENT_WITH_REQUIRED_TERMS: "필수 약관에 동의해주세요.",
    NOT_SELECTED_PAYMENT_METHOD: "결제수단을 선택해주세요.",
    NOT_SETUP_AMOUNT: "결제 금액을 먼저 설정해주세요.",
    NOT_SUPPORTED_API_INDIVIDUAL_KEY: "API 개별 연동 키는 위젯에서 사용할 수 없습니다.",
    NOT_SUPPORTED_PROMISE: "successUrl과 failUrl이 필요합니다.",
    NOT_SUPPORTED_WIDGET_KEY: "결제위젯 연동 키는 사용할 수 없습니다.",
    PAYMENT_METHODS_WIDGET_ALREADY_RENDERED: "결제수단 위젯이 이미 렌더링되었습니다.",
    UNAUTHORIZED_KEY: "인증되지 않은 시크릿 키 혹은 클라이언트 키 입니다.",
    UNKNOWN: "결제 서버에 연결하지 못했습니다.",
  };

  class TossPaymentsError extends Error {
    constructor(code) {
      super(MESSAGES[code] || code);
      this.name = "TossPaymentsError";
      this.code = code;
    }
  }

  function demand(holds, code) {
    if (!holds) throw new TossPaymentsError(code);
  }

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function emitter() {
    const listeners = {};
    return {
      on: (name, listener) => void (listeners[name] = [...(listeners[name] || []), listener]),
      emit: (name, value) => (listeners[name] || []).forEach((listener) => listener(value)),
    };
  }

  function dressPage() {
    if (document.querySelector("link[data-toss-sandbox]")) return Promise.resolve();
    const link = element("link", {
      rel: "stylesheet", href: ORIGIN + "/sandbox/static/widget.css", "data-toss-sandbox": "",
    });
    return new Promise((done) => {
      link.onload = link.onerror = () => done();
      document.head.append(link);
    });
  }

  async function ask(path, options) {
    let answer;
    try {
      answer = await fetch(ORIGIN + path, options);
    } catch {
      throw new TossPaymentsError("UNKNOWN");
    }
    const body = await answer.json().catch(() => ({}));
    demand(answer.ok, body.code || "UNKNOWN");
    return body;
  }

  function place(selector) {
    let found = null;
    try {
      found = document.querySelector(selector);
    } catch { /* not a selector at all */ }
    demand(found, "INVALID_SELECTOR");
    return found;
  }

  function checkVariant(key) {
    demand(key === undefined || (typeof key === "string" && key), "INVALID_VARIANT_KEY");
  }

  function checkMetadata(metadata) {
    if (metadata === undefined || metadata === null) return;
    const pairs = typeof metadata === "object" ? Object.entries(metadata) : null;
    const fits = pairs && pairs.length <= 5 && pairs.every(
      ([key, value]) => key.length <= 40 && !/[[\]]/.test(key) && String(value).length <= 2000);
    demand(fits, "INVALID_METADATA");
  }

  function isAbsolute(url) {
    try {
      return typeof url === "string" && /^https?:$/.test(new URL(url).protocol);
    } catch {
      return false;
    }
  }

  function checkRequest(wish) {
    demand(wish && typeof wish === "object", "INVALID_PARAMETERS");
    demand(typeof wish.orderId === "string" && ORDER_ID.test(wish.orderId), "INVALID_PARAMETERS");
    const name = wish.orderName;
    demand(typeof name === "string" && name.length > 0 && name.length <= 100, "INVALID_PARAMETERS");
    for (const field of [wish.customerEmail, wish.customerName]) {
      demand(field == null || (typeof field === "string" && field.length <= 100), "INVALID_PARAMETERS");
    }
    const phone = wish.customerMobilePhone;
    demand(phone == null || /^[0-9]{8,15}$/.test(phone), "INVALID_PARAMETERS");
    demand(wish.successUrl !== undefined || wish.failUrl !== undefined, "NOT_SUPPORTED_PROMISE");
    demand(isAbsolute(wish.successUrl), "INCORRECT_SUCCESS_URL_FORMAT");
    demand(isAbsolute(wish.failUrl), "INCORRECT_FAIL_URL_FORMAT");
    checkMetadata(wish.metadata);
  }

  /* One list of methods, as radio buttons in a named group. */
  async function drawMethods(clientKey, target, choose) {
    const [{ methods }] = await Promise.all([
      ask("/sandbox/widget?clientKey=" + encodeURIComponent(clientKey)), dressPage(),
    ]);
    const list = element("div", { class: "toss-methods" });
    for (const method of methods) {
      const input = element("input", { type: "radio", name: "toss-method", value: method.code });
      input.addEventListener("change", () => choose(method.code));
      list.append(element("label", { class: "toss-method" }, input, element("span", {}, method.name)));
    }
    const box = element("fieldset", { class: "toss-box" }, element("legend", {}, "결제 방법"), list,
      element("p", { class: "toss-note" }, "테스트 환경입니다. 실제로 결제되지 않습니다."));
    target.append(box);
    return box;
  }

  async function drawAgreement(clientKey, target, change) {
    await Promise.all([
      ask("/sandbox/widget?clientKey=" + encodeURIComponent(clientKey)), dressPage(),
    ]);
    const input = element("input", { type: "checkbox" });
    input.addEventListener("change", () => change(input.checked));
    const label = element("label", { class: "toss-agreement" }, input,
      element("span", {}, "[필수] 결제 서비스 이용 약관, 개인정보 처리에 동의합니다"));
    const box = element("div", { class: "toss-box" }, label);
    target.append(box);
    return box;
  }

  function makeWidgets(clientKey, customer) {
    demand(!/^(test|live)_g?sk_/.test(clientKey), "INSECURE_KEY_USAGE");
    demand(!/^(test|live)_ck_/.test(clientKey), "NOT_SUPPORTED_API_INDIVIDUAL_KEY");
    const key = customer && customer.customerKey;
    demand(!/^(test|live)_g?sk_/.test(String(key)), "INSECURE_KEY_USAGE");
    demand(key === ANONYMOUS || (typeof key === "string" && CUSTOMER_KEY.test(key)), "INVALID_CUSTOMER_KEY");

    let amount = null, methods = null, agreement = null, chosen = null, agreed = false, busy = false;
    /* A page that comes back from the back-forward cache is not requesting any more. */
    addEventListener("pageshow", (event) => { if (event.persisted) busy = false; });

    async function setAmount(wanted) {
      demand(wanted && wanted.currency === "KRW", "INVALID_AMOUNT_CURRENCY");
      demand(Number.isInteger(wanted.value), "INVALID_AMOUNT_VALUE");
      demand(wanted.value > 0, "BELOW_ZERO_AMOUNT");
      amount = wanted.value;
    }

    async function renderPaymentMethods({ selector, variantKey } = {}) {
      demand(amount !== null, "NOT_SETUP_AMOUNT");
      demand(!methods, "PAYMENT_METHODS_WIDGET_ALREADY_RENDERED");
      checkVariant(variantKey);
      const target = place(selector), events = emitter(), widget = { box: null };
      methods = widget;
      try {
        widget.box = await drawMethods(clientKey, target, (code) => {
          chosen = code;
          events.emit("paymentMethodSelect", { code });
        });
      } catch (error) {
        methods = null;
        throw error;
      }
      return {
        on: events.on,
        getSelectedPaymentMethod: async () => (chosen ? { code: chosen } : null),
        destroy: async () => { widget.box.remove(); methods = chosen = null; },
      };
    }

    async function renderAgreement({ selector, variantKey } = {}) {
      demand(amount !== null, "NOT_SETUP_AMOUNT");
      demand(!agreement, "AGREEMENT_WIDGET_ALREADY_RENDERED");
      checkVariant(variantKey);
      const target = place(selector), events = emitter(), widget = { box: null };
      agreement = widget;
      try {
        widget.box = await drawAgreement(clientKey, target, (checked) => {
          agreed = checked;
          const term = { id: "sandbox-terms", required: true };
          events.emit("agreementStatusChange",
            { agreedRequiredTerms: checked, agreements: [{ term, agreed: checked }] });
        });
      } catch (error) {
        agreement = null;
        throw error;
      }
      return { on: events.on, destroy: async () => { widget.box.remove(); agreement = null; agreed = false; } };
    }

    async function requestPayment(wish) {
      demand(!busy, "INVALID_METHOD_TRANSACTION");
      demand(amount !== null, "NOT_SETUP_AMOUNT");
      demand(methods && methods.box && chosen, "NOT_SELECTED_PAYMENT_METHOD");
      demand(!agreement || agreed, "NEED_AGREEMENT_WITH_REQUIRED_TERMS");
      checkRequest(wish);
      busy = true;
      try {
        const opened = await ask("/sandbox/payments", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({
            clientKey, amount, method: chosen, orderId: wish.orderId, orderName: wish.orderName,
            successUrl: wish.successUrl, failUrl: wish.failUrl,
            customerName: wish.customerName, metadata: wish.metadata,
          }),
        });
        location.assign(opened.url);
      } catch (error) {
        busy = false;
        throw error;
      }
      return new Promise(() => {}); /* the page is left: nobody waits for this */
    }

    /* The window form: methods and agreement in a dialog with a pay button of its own. */
    async function renderPaymentWindow({ variantKey } = {}) {
      demand(amount !== null, "NOT_SETUP_AMOUNT");
      const events = emitter(), variant = variantKey || {};
      const body = element("div", { id: "toss-window-body" });
      const pay = element("button", { type: "button", class: "toss-pay" },
        amount.toLocaleString("ko-KR") + "원 결제하기");
      const leave = element("button", { type: "button", class: "toss-leave" }, "취소");
      const dialog = element("dialog", { class: "toss-dialog", "aria-label": "결제" }, body, pay, leave);
      document.body.append(dialog);
      const inside = { selector: "#toss-window-body" };
      let drawn = [];
      try {
        drawn.push(await renderPaymentMethods({ ...inside, variantKey: variant.paymentMethod }));
        drawn.push(await renderAgreement({ ...inside, variantKey: variant.agreement }));
      } catch (error) {
        for (const widget of drawn) await widget.destroy();
        dialog.remove();
        throw error;
      }
      pay.addEventListener("click", () => events.emit("paymentRequest", { paymentMethod: { code: chosen } }));
      leave.addEventListener("click", () => dialog.close());
      dialog.addEventListener("close", () => events.emit("cancel"));
      dialog.showModal();
      return {
        on: events.on,
        destroy: async () => {
          for (const widget of drawn) await widget.destroy();
          dialog.remove();
        },
      };
    }

    return { setAmount, renderPaymentMethods, renderAgreement, requestPayment, renderPaymentWindow };
  }

  function TossPayments(clientKey) {
    demand(!/^(test|live)_g?sk_/.test(String(clientKey)), "INSECURE_KEY_USAGE");
    demand(typeof clientKey === "string" && /^(test|live)_g?ck_/.test(clientKey), "INVALID_CLIENT_KEY");
    const notForWidgets = () => {
      throw new TossPaymentsError("NOT_SUPPORTED_WIDGET_KEY");
    };
    return {
      widgets: (customer) => makeWidgets(clientKey, customer),
      payment: notForWidgets,
      brandpay: notForWidgets,
    };
  }
  TossPayments.ANONYMOUS = ANONYMOUS;
  window.TossPayments = TossPayments;
})();
