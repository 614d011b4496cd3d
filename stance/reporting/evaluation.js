"use strict";
// One switch for all comments of the page; without this script each list opens by itself.

const lists = [...document.querySelectorAll(".hidden-text")];
const switches = [...document.querySelectorAll('[data-tool="reveal"]')];

function show(isOpen) {
  for (const list of lists) {
    list.open = isOpen;
  }
  for (const button of switches) {
    button.setAttribute("aria-pressed", String(isOpen));
    button.textContent = isOpen ? "Hide offensive text" : "Show offensive text";
  }
}

for (const button of switches) {
  button.parentElement.hidden = false;
  button.addEventListener("click", () => show(button.getAttribute("aria-pressed") !== "true"));
}
