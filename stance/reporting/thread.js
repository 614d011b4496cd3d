"use strict";
// Sorting, filtering and export. Text of others is only ever compared and written to files.

const threads = JSON.parse(document.getElementById("data").textContent);
const relevant = 0.5;
const pageSize = 100; // comments; browsers lay out thousands slowly
const say = (count) => count.toLocaleString("en");

// "neutral" includes what is not about the target, as in the table of shares.
function isStance({ label, relevance }, asked) {
  if (asked === "about" || asked === "off") {
    return label === "neutral" && relevance < relevant === (asked === "off");
  }
  return label === asked;
}

function setUp(section, { targets, rows }) {
  const list = section.querySelector(".comments");
  const further = section.querySelector(".further");
  const items = [...list.children, ...(further ? further.content.children : [])];
  const tool = (name) => section.querySelector(`[data-tool="${name}"]`);
  const value = (name) => (tool(name) ? tool(name).value : "");
  const texts = rows.map((row) => `${row.author ?? ""}\n${row.text}`.toLowerCase());
  // A page gives its times in one clock, so they sort as they are written.
  const times = rows.map((row) => row.published ?? "");
  const author = (number) => rows[number].author || null;
  let shown = rows.map((_, number) => number);
  let first = 0;

  function scoresOf(number) {
    const chosen = value("target");
    return chosen === ""
      ? rows[number].stance
      : rows[number].stance.filter((score) => score.target === targets[chosen]);
  }

  // What is asked for is read once, not once a comment.
  function makeFilter() {
    const words = value("search").trim().toLowerCase();
    const stance = value("stance");
    const toxic = value("toxic");
    const by = value("author");
    return (number) =>
      texts[number].includes(words) &&
      (toxic === "" || rows[number].toxic === (toxic === "yes")) &&
      (by === "" || author(number) === author(by)) &&
      (stance === "" || scoresOf(number).some((score) => isStance(score, stance)));
  }

  const strongest = (number, label) => Math.max(-1, ...scoresOf(number).map((score) => score[label]));
  const worst = (number) => Math.max(...Object.values(rows[number].toxicity));
  const byTime = (sign) => (a, b) =>
    (times[a] === "") - (times[b] === "") ||
    sign * ((times[a] > times[b]) - (times[a] < times[b])) ||
    a - b;
  const orders = {
    thread: (a, b) => a - b,
    newest: byTime(-1),
    oldest: byTime(1),
    toxic: (a, b) => rows[b].toxic - rows[a].toxic || worst(b) - worst(a) || a - b,
    favor: (a, b) => strongest(b, "favor") - strongest(a, "favor") || a - b,
    against: (a, b) => strongest(b, "against") - strongest(a, "against") || a - b,
  };

  function apply() {
    shown = rows.map((_, number) => number).filter(makeFilter()).sort(orders[value("sort")]);
    list.classList.toggle("flat", value("sort") !== "thread" || shown.length < rows.length);
    turnTo(0);
  }

  function turnTo(place) {
    first = place;
    const end = Math.min(first + pageSize, shown.length);
    list.replaceChildren(...shown.slice(first, end).map((number) => items[number]));
    const stretch = shown.length > pageSize ? `, ${say(first + 1)} to ${say(end)} on this page` : "";
    tool("status").textContent =
      (shown.length < rows.length
        ? `${say(shown.length)} of ${say(rows.length)} comments match`
        : `All ${say(rows.length)} comments`) + stretch;
    section.querySelector(".pager").hidden = shown.length <= pageSize;
    tool("page").textContent =
      `Page ${say(first / pageSize + 1)} of ${say(Math.ceil(shown.length / pageSize))}`;
    tool("previous").disabled = first === 0;
    tool("next").disabled = end === shown.length;
  }

  function toComments() {
    const heading = section.querySelector(".comments-heading");
    heading.focus({ preventScroll: true });
    heading.scrollIntoView();
  }

  function clear() {
    tool("search").value = "";
    for (const select of section.querySelectorAll(".tools select")) {
      select.selectedIndex = 0;
    }
  }

  // A number or a name in a table, as a button that shows its comments.
  function lead(node, label, choices) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "lead";
    button.setAttribute("aria-label", label);
    button.append(...node.childNodes);
    button.addEventListener("click", () => {
      clear();
      for (const [name, choice] of Object.entries(choices)) {
        tool(name).value = choice;
      }
      apply();
      toComments();
    });
    node.append(button);
  }

  for (const node of section.querySelectorAll("[data-stance]")) {
    const { target, stance } = node.dataset;
    if (node.textContent !== "0") {
      const row = node.closest("tr").querySelector("th bdi").textContent;
      const label = `${node.textContent}: ${node.closest("td").dataset.label}, ${row}`;
      lead(node, label, tool("target").options.length > 1 ? { target, stance } : { stance });
    }
  }
  for (const node of section.querySelectorAll("[data-author]")) {
    const choice = node.dataset.author;
    if (tool("author")?.querySelector(`[value="${choice}"]`)) {
      lead(node, `${node.textContent}: comments`, { author: choice });
    }
  }
  for (const name of ["search", "sort", "target", "stance", "toxic", "author"]) {
    tool(name)?.addEventListener("input", apply);
  }
  tool("reset").addEventListener("click", () => {
    clear();
    apply();
  });
  for (const [name, step] of [["previous", -pageSize], ["next", pageSize]]) {
    tool(name).addEventListener("click", () => {
      turnTo(first + step);
      toComments();
    });
  }
  tool("reveal")?.addEventListener("click", ({ currentTarget: button }) => {
    const open = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(open));
    list.classList.toggle("revealed", open);
    for (const item of items) {
      item.querySelector(".hidden-text")?.toggleAttribute("open", open);
    }
  });
  tool("csv").addEventListener("click", () => save(shown.map((number) => rows[number]), "csv"));
  tool("json").addEventListener("click", () => save(shown.map((number) => rows[number]), "json"));
  // Paper has no pages to turn to.
  addEventListener("beforeprint", () =>
    list.replaceChildren(...shown.map((number) => items[number])),
  );
  addEventListener("afterprint", () => turnTo(first));
  section.querySelector(".tools").hidden = false;
  apply();

  function showComment(id) {
    const number = items.findIndex((item) => item.id === id);
    if (number >= 0 && !items[number].isConnected) {
      if (!shown.includes(number)) {
        clear();
        apply();
      }
      turnTo(pageSize * Math.floor(shown.indexOf(number) / pageSize));
    }
    return items[number];
  }
  return { showComment };
}

function save(rows, ending) {
  const content = ending === "csv" ? toCsv(rows) : `${JSON.stringify(rows, null, 1)}\n`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  link.download = `comments.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// The same columns, and the same guard against formulas, as `stance score -o scores.csv`.
function toCsv(rows) {
  const targets = rows.map((row) => row.stance.map((score) => score.target));
  const named = targets.filter((names) => names.length > 0).map((names) => JSON.stringify(names));
  const isFixed = new Set(named).size === 1;
  const flat = rows.map((row) => {
    const cells = {};
    for (const [name, value] of Object.entries(row)) {
      if (name === "toxicity") {
        for (const [label, share] of Object.entries(value)) {
          cells[`toxicity.${label}`] = share;
        }
      } else if (name === "reply") {
        for (const part of ["label", "favor", "against", "neutral"]) {
          cells[`reply.${part}`] = value === null ? null : value[part];
        }
      } else {
        cells[name] = value;
      }
      if (name === "stance" && isFixed) {
        for (const { target, ...scores } of value) {
          for (const [label, share] of Object.entries(scores)) {
            cells[`stance.${target}.${label}`] = share;
          }
        }
      }
    }
    return cells;
  });
  const header = [...new Set(flat.flatMap((cells) => Object.keys(cells)))];
  const lines = [header, ...flat.map((cells) => header.map((name) => cells[name]))];
  return lines.map((line) => `${line.map(csvCell).join(",")}\n`).join("");
}

function csvCell(value) {
  let text = typeof value === "string" ? value : value == null ? "" : JSON.stringify(value);
  if (
    typeof value === "string" &&
    /^[=+\-@\t\r\n＝＋－＠]/.test(text) &&
    !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)
  ) {
    text = `'${text}`;
  }
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const sections = [...document.querySelectorAll(".thread")].map((section, number) =>
  setUp(section, threads[number]),
);

// A link to a comment that a filter or another page has taken out brings it back.
function showLinked() {
  const id = location.hash.slice(1);
  for (const { showComment } of sections) {
    const item = showComment(id);
    item?.focus({ preventScroll: true });
    item?.scrollIntoView();
  }
}
addEventListener("hashchange", showLinked);
if (location.hash) {
  showLinked();
}

const exports = document.querySelector(".exports");
if (exports) {
  exports.hidden = false;
  exports.addEventListener("click", ({ target }) => {
    if (target.dataset.export) {
      save(threads.flatMap(({ rows }) => rows), target.dataset.export);
    }
  });
}
