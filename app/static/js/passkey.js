/* Passkeys: the browser is asked for one, and what it says is sent with the form. Without this file there is the code. */
const COULD_NOT = '패스키를 쓰지 못했습니다. 다시 시도하거나 인증 앱의 코드를 입력해 주십시오.';

const ways = {
  create: { field: 'made', ask: (options) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }) },
  get: { field: 'passkey', ask: (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }) },
};

for (const button of document.querySelectorAll('[data-passkey]')) {
  const { form } = button;
  const { field, ask } = ways[button.dataset.passkey];
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
    button.remove();
    continue;
  }
  button.addEventListener('click', async () => {
    if (field === 'made' && !form.reportValidity()) return; // a passkey nobody named would have to be made again
    button.disabled = true;
    try {
      form.elements[field].value = JSON.stringify(await ask(JSON.parse(button.dataset.options)));
      form.noValidate = true;
      form.requestSubmit();
    } catch {
      document.dispatchEvent(new CustomEvent('shop:notice', { detail: { kind: 'error', text: COULD_NOT } }));
    }
    button.disabled = false;
  });
}
