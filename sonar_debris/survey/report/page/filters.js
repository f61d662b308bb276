// Which detections the gallery shows, and in which order.
"use strict";
const Filters = {
  fill() {
    const { names } = Report.found;
    names.forEach((name, number) => byId("class").append(option(number, name)));
    for (const [source, name] of Object.entries(Report.about.sources)) byId("file").append(option(source, name));
    byId("filters").addEventListener("input", () => Gallery.show(0));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
  },

  // The numbers of the detections to show.
  chosen() {
    const { source, name, score, verdict } = Report.found;
    const [what, className, file, judged, order] =
      ["what", "class", "file", "verdict", "order"].map((id) => byId(id).value);
    const least = Number(byId("score").value);
    const numbers = [];
    for (let number = 0; number < source.length; number++) {
      if (what === "objects" && !Report.objectOf.has(number)) continue;
      if (className !== "" && name[number] !== Number(className)) continue;
      if (file !== "" && source[number] !== Number(file)) continue;
      if (score[number] < least || (judged && verdict[number] !== judged)) continue;
      numbers.push(number);
    }
    return order === "score" ? numbers.sort((a, b) => score[b] - score[a] || a - b) : numbers;
  },
};
