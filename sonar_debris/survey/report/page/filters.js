// Which detections the gallery shows, and in which order.
"use strict";
const Filters = {
  start() {
    Report.index.classNames.forEach((name, classId) => byId("class").append(createOption(classId, name)));
    for (const [source, name] of Object.entries(Report.survey.sources)) byId("file").append(createOption(source, name));
    byId("filters").addEventListener("input", () => Gallery.show(0));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
  },

  // The numbers of the detections to show.
  selection() {
    const { source, classId, score, verdict } = Report.index;
    const filter = Object.fromEntries(
      ["what", "class", "file", "score", "verdict", "order"].map((id) => [id, byId(id).value]));
    const numbers = [];
    for (let number = 0; number < source.length; number++) {
      if (filter.what === "objects" && !Report.objectOf.has(number)) continue;
      if (filter.class !== "" && classId[number] !== Number(filter.class)) continue;
      if (filter.file !== "" && source[number] !== Number(filter.file)) continue;
      if (filter.verdict === "not rejected" ? verdict[number] === "rejected" : filter.verdict && verdict[number] !== filter.verdict) continue;
      if (score[number] < Number(filter.score)) continue;
      numbers.push(number);
    }
    return filter.order === "score" ? numbers.sort((a, b) => score[b] - score[a] || a - b) : numbers;
  },
};
