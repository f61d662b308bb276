// Totals and failures.
"use strict";
const Overview = {
  start() {
    const { name, model, minScore, version, frames, sources, objects, totals, failures, failureCount, missing } = Report.survey;
    const detections = totals.reduce((sum, total) => sum + total.detections, 0); // without rejected ones
    document.title = byId("title").textContent = `Survey ${name}`;
    byId("facts").textContent =
      `${frames} frames of ${Object.keys(sources).length} files; ${objects.length} objects, ${detections} detections ` +
      `with a score of ${minScore} or more by ${model} (sonar-debris ${version}); ${failureCount} failures`;
    byId("missing").hidden = missing.length === 0;
    byId("missing").textContent = "Pictures that could not be made: " +
      missing.map(({ file, pictures, reason }) => `${file}: ${pictures} (${reason})`).join("; ");
    this.showTotals(totals);
    byId("failure-title").textContent = failureCount ? `${failureCount} failures` : "No failures";
    byId("failure-list").hidden = !failureCount;
    byId("failure-list").tBodies[0].append(...failures.map(({ file, frame, reason }) => createRow([file, frame, reason])));
    if (failures.length < failureCount) {
      byId("failure-title").textContent += `; the first ${failures.length} are listed here, all in failures.csv`;
    }
  },

  showTotals(totals) {
    byId("totals").tBodies[0].replaceChildren(
      ...totals.map((total) => createRow([total.class, total.objects, total.detections])));
  },

  // Objects and detections by class after decisions in this session; objects are found again when the review ends.
  countTotals() {
    const { classId, classNames, verdict } = Report.index;
    const totals = classNames.map((name) => ({ class: name, objects: 0, detections: 0 }));
    for (let number = 0; number < classId.length; number++) {
      if (verdict[number] === "rejected") continue;
      totals[classId[number]].detections += 1;
      if (Report.objectOf.has(number)) totals[classId[number]].objects += 1;
    }
    return totals.filter(({ detections }) => detections).sort((a, b) => b.objects - a.objects || (a.class < b.class ? -1 : 1));
  },
};
