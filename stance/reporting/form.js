"use strict";
// Dropping a file anywhere, a word before a file that is too large is sent, and one while we wait.

function setUp(form) {
  const file = document.getElementById("file");
  const words = document.getElementById("status");
  const clear = document.querySelector(".clear");
  const buttons = [...form.querySelectorAll("[type=submit]")];
  const megabyte = 1024 * 1024;
  const maxBody = Number(form.dataset.maxBody);

  function showChoice() {
    clear.hidden = file.files.length === 0;
    const tooLarge = file.files.length > 0 && file.files[0].size > maxBody;
    file.setCustomValidity(
      tooLarge
        ? `This file has ${(file.files[0].size / megabyte).toFixed(1)} MB; expected at most ` +
            `${Math.floor(maxBody / megabyte)} MB.`
        : "",
    );
    if (tooLarge) {
      file.reportValidity();
    }
  }

  function wait(waiting) {
    for (const button of buttons) {
      button.disabled = waiting;
    }
    words.textContent = waiting ? "Reading and scoring … a long thread takes a minute or more." : "";
  }

  const isFile = (event) => event.dataTransfer?.types.includes("Files");

  addEventListener("dragover", (event) => {
    if (isFile(event)) {
      event.preventDefault();
      form.classList.add("dropping");
    }
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) {
      form.classList.remove("dropping");
    }
  });
  addEventListener("drop", (event) => {
    form.classList.remove("dropping");
    if (isFile(event)) {
      event.preventDefault();
      const dropped = new DataTransfer();
      dropped.items.add(event.dataTransfer.files[0]);
      file.files = dropped.files;
      showChoice();
    }
  });
  file.addEventListener("change", showChoice);
  clear.firstElementChild.addEventListener("click", () => {
    file.value = "";
    showChoice();
    file.focus();
  });
  form.addEventListener("submit", ({ submitter }) => {
    if (submitter?.name === "save") {
      words.textContent = "Reading and scoring … the file comes when it is done.";
    } else {
      // After the browser has read the form, so that the button that was pressed is in it.
      setTimeout(() => wait(true));
    }
  });
  addEventListener("pageshow", () => {
    wait(false);
    showChoice();
  });
}

// Where a key is asked for there is nothing to set up.
const form = document.querySelector("[data-max-body]");
if (form) {
  setUp(form);
}
