// Reads an .hlog file with the reference implementation for JavaScript and prints, for each tag, what all of its intervals together
// hold: TAG INTERVALS COUNT P50 P99 MAX, "-" for lines without a tag ("tag:-" would be a worker of that name).
//
// usage: node hlog_reference.js FILE    ends with 77 when hdr-histogram-js is not installed (npm install hdr-histogram-js)
const fs = require("fs");
let hdr;
try {
    hdr = require("hdr-histogram-js");
} catch (error) {
    console.error("hdr-histogram-js is not installed: npm install hdr-histogram-js, and NODE_PATH=.../node_modules");
    process.exit(77);
}

const reader = new hdr.HistogramLogReader(fs.readFileSync(process.argv[2], "utf8"));
const sums = new Map();
for (let histogram = reader.nextIntervalHistogram(); histogram; histogram = reader.nextIntervalHistogram()) {
    const tag = histogram.tag === "NO TAG" ? "-" : "tag:" + histogram.tag;
    if (!sums.has(tag))
        sums.set(tag, { intervals: 0, histogram: hdr.build({ highestTrackableValue: 3600000000, numberOfSignificantValueDigits: 3 }) });
    sums.get(tag).intervals++;
    sums.get(tag).histogram.add(histogram);
}
for (const [tag, sum] of sums) {
    const at = (percentile) => sum.histogram.getValueAtPercentile(percentile);
    console.log(tag, sum.intervals, sum.histogram.totalCount, at(50), at(99), sum.histogram.maxValue);
}
