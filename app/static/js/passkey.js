/* Passkeys: the browser is asked for one, and what it says is sent with the form. Without this file there is the code. */
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
      dispatchEvent(new CustomEvent('shop:notice', { detail: { text: button.dataset.failed } }));
    }
    button.disabled = false;
  });
}
