/*
 * Reading the percentile distributions (.hgrm) that loadgen writes.
 */
#ifndef HARNESS_HGRM_H
#define HARNESS_HGRM_H

struct hgrm {
    double *quantiles, *values; /* quantile 0..1 ascending; values in the file's unit: loadgen prints milliseconds */
    unsigned count;
    double total; /* how many values the histogram holds */
};

/* Lines "value percentile total-count 1/(1-percentile)"; '#' lines and the heading are passed over. 0, -EINVAL for a file that
 * is none, or the read's errno. The caller frees with hgrm_free. */
int hgrm_read(const char *path, struct hgrm *hgrm);
int hgrm_parse(const char *text, struct hgrm *hgrm);
void hgrm_free(struct hgrm *hgrm);

/* The value at a quantile: of the first line at or above it, as the writer meant it. NaN for an empty one. */
double hgrm_value(const struct hgrm *hgrm, double quantile);

#endif
