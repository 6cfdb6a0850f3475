// Sends the form that signs out at the bundled provider: whoever came here has asked for that already.
document.getElementById('go-on')?.click();
