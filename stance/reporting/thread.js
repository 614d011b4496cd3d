"use strict";
// Sorting, filtering and export. Text of others is only ever compared and written to files.

const threads = JSON.parse(document.getElementById("data").textContent);
const relevant = 0.5;

function kindOf(score) {
  return score.label === "neutral" && score.relevance < relevant ? "off" : score.label;
}

function setUp(section, { targets, rows }) {
  const list = section.querySelector(".comments");
  const items = [...list.children];
  const tool = (name) => section.querySelector(`[data-tool="${name}"]`);
  const value = (name) => (tool(name) ? tool(name).value : "");
  const texts = rows.map((row) => `${row.author ?? ""}\n${row.text}`.toLowerCase());
  // A page gives its times in one clock, so they sort as they are written.
  const times = rows.map((row) => row.published ?? "");
  let shown = rows.map((_, number) => number);

  function scoresOf(number) {
    const chosen = value("target");
    return chosen === ""
      ? rows[number].stance
      : rows[number].stance.filter((score) => score.target === targets[chosen]);
  }

  function matches(number) {
    const stance = value("stance");
    const toxic = value("toxic");
    return (
      texts[number].includes(value("search").trim().toLowerCase()) &&
      (toxic === "" || rows[number].toxic === (toxic === "yes")) &&
      (stance === "" || scoresOf(number).some((score) => kindOf(score) === stance))
    );
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
    const all = rows.map((_, number) => number).sort(orders[value("sort")]);
    shown = all.filter(matches);
    // Taken out, not hidden: browsers lay out thousands of hidden items all the same.
    list.replaceChildren(...shown.map((number) => items[number]));
    list.classList.toggle("flat", value("sort") !== "thread");
    tool("status").textContent = `${shown.length} of ${rows.length} comments shown`;
  }

  function reset() {
    tool("search").value = "";
    for (const select of section.querySelectorAll(".tools select")) {
      select.selectedIndex = 0;
    }
    apply();
  }

  for (const name of ["search", "sort", "target", "stance", "toxic"]) {
    tool(name)?.addEventListener("input", apply);
  }
  tool("reset").addEventListener("click", reset);
  tool("reveal")?.addEventListener("click", ({ currentTarget: button }) => {
    const open = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(open));
    button.textContent = open ? "Hide flagged texts" : "Show flagged texts";
    for (const item of items) {
      item.querySelector(".hidden-text")?.toggleAttribute("open", open);
    }
  });
  tool("csv").addEventListener("click", () => save(shown.map((number) => rows[number]), "csv"));
  tool("json").addEventListener("click", () => save(shown.map((number) => rows[number]), "json"));
  tool("status").textContent = `${rows.length} of ${rows.length} comments shown`;
  section.querySelector(".tools").hidden = false;
  return { items, reset };
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

// A link to a comment that a filter has taken out brings it back.
function showLinked() {
  const id = decodeURIComponent(location.hash.slice(1));
  for (const { items, reset } of sections) {
    const item = items.find((own) => own.id === id);
    if (item && !item.isConnected) {
      reset();
      item.scrollIntoView();
    }
  }
}
addEventListener("hashchange", showLinked);

const exports = document.querySelector(".exports");
if (exports) {
  exports.hidden = false;
  exports.addEventListener("click", ({ target }) => {
    if (target.dataset.export) {
      save(threads.flatMap(({ rows }) => rows), target.dataset.export);
    }
  });
}
