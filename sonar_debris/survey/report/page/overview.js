// Totals, and what failed.
"use strict";
const Overview = {
  fill() {
    const { name, model, minScore, version, frames, sources, objects, totals, failures, failureCount } = Report.about;
    document.title = byId("title").textContent = `Survey ${name}`;
    byId("facts").textContent =
      `${frames} frames of ${Object.keys(sources).length} files; ${objects.length} objects, ${Report.found.source.length} detections ` +
      `with a score of ${minScore} or more by ${model} (sonar-debris ${version}); ${failureCount} failures`;
    byId("totals").tBodies[0].append(...totals.map(([className, found, counted]) => row([className, counted, found])));
    byId("failure-title").textContent = failureCount ? `${failureCount} failures` : "Nothing failed";
    byId("failure-list").hidden = !failureCount;
    byId("failure-list").tBodies[0].append(...failures.map((failure) => row(failure)));
    if (failures.length < failureCount) byId("failure-title").textContent += `, the first ${failures.length}; see failures.csv`;
  },
};
