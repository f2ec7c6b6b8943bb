const root = document.getElementById('reference');
if (window.Scalar) {
  showReference(root, window.Scalar.createApiReference);
} else {
  root.textContent = 'The reference could not be loaded: a file is missing or does not match its hash.';
}
