/**
 * Keeps the editor within the policy of the page, which allows style elements with its nonce and no style attributes in HTML.
 * The editor adds style elements while it runs, and writes its lines as HTML with `style` attributes.
 */
const { nonce } = document.querySelector('style[nonce]');
const STYLED_TAG = /(<[a-z][^<>]*?\s)style=(?=")/gi;
const { createElement } = Document.prototype;
const { insertAdjacentHTML, setAttribute } = Element.prototype;
const innerHTML = Object.getOwnPropertyDescriptor(Element.prototype, 'innerHTML');

/** HTML whose `style` attributes have another name, under which they are only data. */
function setStylesAside(html) {
  return String(html).replace(STYLED_TAG, '$1data-style-aside=');
}

/** Sets the styles that were set aside through the CSSOM, which the policy allows to scripts of the page. */
function applyStyles(parent) {
  for (const element of parent.querySelectorAll('[data-style-aside]')) {
    element.style.cssText = element.dataset.styleAside;
    delete element.dataset.styleAside;
  }
}

Document.prototype.createElement = function createWithNonce(name, options) {
  const element = createElement.call(this, name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};

Object.defineProperty(Element.prototype, 'innerHTML', {
  ...innerHTML,
  set(html) {
    innerHTML.set.call(this, setStylesAside(html));
    applyStyles(this);
  },
});

Element.prototype.insertAdjacentHTML = function insertWithStyles(position, html) {
  insertAdjacentHTML.call(this, position, setStylesAside(html));
  applyStyles(this.parentNode ?? this);
};

Element.prototype.setAttribute = function setAllowedAttribute(name, value) {
  if (name === 'style' && this.style) this.style.cssText = value;
  else setAttribute.call(this, name, value);
};
