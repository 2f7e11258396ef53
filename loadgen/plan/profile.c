/*
 * A rate over time: segments, one behind the other. Each kind of segment knows in closed form how many requests it has planned by
 * a moment t, and (the inverse) by which moment it has planned n of them:
 *
 *   hold   n = from t                                        t = n / from
 *   ramp   n = t (from + rate(t)) / 2                        t = 2n / (from + sqrt(from^2 + 2 slope n))
 *   sine   n = middle t + swing P/2pi (1 - cos(2pi t/P))     by Newton's method, kept in a bracket
 *
 * A step is several holds, a spike is three. The n-th request (0, 1, ...) is due at the moment by which n requests have been
 * planned; so a segment without any rate has none, and one that would fall on its first moment falls behind it.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/slice.h"
#include "base/units.h"
#include "loadgen/loadgen.h"
#include "loadgen/plan/plan.h"

#define NS_PER_S      1e9
#define RATE_MOST     1e8 /* as --rate */
#define LENGTH_MOST   (24 * 3600 * CLOCK_NS_PER_S)
#define SEGMENTS_MOST 10000
#define RESOLUTION_NS 1e-3 /* of the moments found by iteration */
#define ITERATIONS    100  /* a bracket of 24 h is below the resolution after 57 halvings */

const char profile_allowed[] = "use 'hold 5000 for 10s', 'ramp 1000..20000 over 30s', 'step 1000..5000 by 1000 every 5s', "
                               "'spike 1000..20000 at 10s for 2s' or 'sine 1000..5000 every 10s for 60s', several with commas";

/* ---- the kinds of segments: offsets and lengths in ns since the segment's begin ---- */

static double constant_rate(const struct profile_segment *segment, double offset_ns)
{
    (void)offset_ns;
    return segment->from;
}

static double hold_planned(const struct profile_segment *segment, double offset_ns)
{
    return segment->from * offset_ns / NS_PER_S;
}

static double hold_offset_ns(const struct profile_segment *segment, double nth)
{
    return nth * NS_PER_S / segment->from;
}

static double ramp_rate(const struct profile_segment *segment, double offset_ns)
{
    return segment->from + (segment->to - segment->from) * (offset_ns / (double)segment->length_ns);
}

static double ramp_planned(const struct profile_segment *segment, double offset_ns)
{
    return offset_ns * (segment->from + ramp_rate(segment, offset_ns)) / 2 / NS_PER_S;
}

/* How long a rate that starts at `from` and rises needs for `n` requests. The usual formula, (sqrt(..) - from) / slope, loses its
 * digits where the ramp is nearly flat; this one does not. */
static double rise_ns(double from, double slope_per_ns, double n)
{
    double need = n * NS_PER_S;
    return need > 0 ? 2 * need / (from + sqrt(from * from + 2 * slope_per_ns * need)) : 0;
}

/* A falling ramp is a rising one seen from its end. */
static double ramp_offset_ns(const struct profile_segment *segment, double nth)
{
    double length = (double)segment->length_ns, slope = fabs(segment->to - segment->from) / length;
    if (segment->from <= segment->to)
        return rise_ns(segment->from, slope, nth);
    return length - rise_ns(segment->to, slope, ramp_planned(segment, length) - nth);
}

static double sine_rate(const struct profile_segment *segment, double offset_ns)
{
    double turn = 2 * M_PI * offset_ns / (double)segment->period_ns;
    return (segment->from + segment->to) / 2 + (segment->to - segment->from) / 2 * sin(turn);
}

/* 1 - cos x is 2 sin^2(x/2), which keeps its digits where x is small. */
static double sine_planned(const struct profile_segment *segment, double offset_ns)
{
    double middle = (segment->from + segment->to) / 2, swing = (segment->to - segment->from) / 2;
    double half_turn = sin(M_PI * offset_ns / (double)segment->period_ns);
    return (middle * offset_ns + swing * (double)segment->period_ns / M_PI * half_turn * half_turn) / NS_PER_S;
}

/* Whole periods are all alike; within one, Newton's step where it stays in the bracket, else half of the bracket. */
static double sine_offset_ns(const struct profile_segment *segment, double nth)
{
    double period = (double)segment->period_ns, middle = (segment->from + segment->to) / 2;
    double whole = floor(nth * NS_PER_S / (middle * period)), wanted = fmax(0, nth - whole * middle * period / NS_PER_S);
    double low = 0, high = period, at = fmin(wanted * NS_PER_S / middle, period);
    for (int i = 0; i < ITERATIONS; i++) {
        double excess = sine_planned(segment, at) - wanted;
        if (excess > 0)
            high = at;
        else
            low = at;
        double next = at - excess * NS_PER_S / sine_rate(segment, at);
        if (!(next >= low && next <= high)) /* also when there is no rate to divide by */
            next = low + (high - low) / 2;
        double step = fabs(next - at);
        at = next;
        if (step < RESOLUTION_NS)
            break;
    }
    return whole * period + at;
}

static const struct {
    double (*rate)(const struct profile_segment *, double offset_ns);
    double (*planned)(const struct profile_segment *, double offset_ns);
    double (*offset_ns)(const struct profile_segment *, double nth);
} kinds[] = {
    [SEGMENT_HOLD] = {constant_rate, hold_planned, hold_offset_ns},
    [SEGMENT_RAMP] = {ramp_rate, ramp_planned, ramp_offset_ns},
    [SEGMENT_SINE] = {sine_rate, sine_planned, sine_offset_ns},
};

/* ---- questions ---- */

static bool begins_by(const struct profile_segment *segment, double offset_ns)
{
    return (double)segment->begin_ns <= offset_ns;
}

static bool has_before(const struct profile_segment *segment, double nth)
{
    return segment->before <= nth;
}

/* The last segment of which `holds` is true: it is true of the first ones, then false. */
static const struct profile_segment *last_segment(const struct profile *profile,
                                                  bool (*holds)(const struct profile_segment *, double), double x)
{
    unsigned low = 0, high = profile->count; /* true of segment low, or low is the first */
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;
        if (holds(&profile->segments[middle], x))
            low = middle;
        else
            high = middle;
    }
    return &profile->segments[low];
}

double profile_rate(const struct profile *profile, uint64_t offset_ns)
{
    if (offset_ns >= profile->length_ns)
        return 0;
    const struct profile_segment *segment = last_segment(profile, begins_by, (double)offset_ns);
    return kinds[segment->kind].rate(segment, (double)(offset_ns - segment->begin_ns));
}

double profile_planned(const struct profile *profile, uint64_t offset_ns)
{
    if (offset_ns >= profile->length_ns)
        return profile->total;
    const struct profile_segment *segment = last_segment(profile, begins_by, (double)offset_ns);
    return segment->before + kinds[segment->kind].planned(segment, (double)(offset_ns - segment->begin_ns));
}

double profile_total(const struct profile *profile)
{
    return profile->total;
}

/* Segments that plan nothing share `before` with their successor and are never the last one found. */
double profile_offset_ns(const struct profile *profile, double nth)
{
    if (!(nth < profile->total))
        return INFINITY;
    const struct profile_segment *segment = last_segment(profile, has_before, nth);
    double offset_ns = kinds[segment->kind].offset_ns(segment, nth - segment->before);
    return (double)segment->begin_ns + fmin(offset_ns, (double)segment->length_ns);
}

double profile_peak(const struct profile *profile)
{
    double peak = 0;
    for (unsigned i = 0; i < profile->count; i++)
        peak = fmax(peak, fmax(profile->segments[i].from, profile->segments[i].to));
    return peak;
}

/* ---- making ---- */

int profile_constant(struct profile *profile, double rate)
{
    *profile = (struct profile){.segments = calloc(1, sizeof(struct profile_segment)), .count = 1, .length_ns = UINT64_MAX};
    if (!profile->segments)
        return -ENOMEM;
    profile->segments[0] = (struct profile_segment){.from = rate, .to = rate, .length_ns = UINT64_MAX};
    profile->total = rate > 0 ? INFINITY : 0;
    return 0;
}

void profile_close(struct profile *profile)
{
    free(profile->segments);
    *profile = (struct profile){.count = 0};
}

/* What stands in a segment's text, in order. */
struct operands {
    double rates[3];
    uint64_t times[2];
    unsigned rate_count, time_count;
};

/* Appends one; `*why` says why not (-EINVAL). Room for them is made by the powers of two. */
static int append(struct profile *profile, struct profile_segment segment, const char **why)
{
    if (segment.length_ns > LENGTH_MOST || profile->length_ns > LENGTH_MOST - segment.length_ns) {
        *why = "it lasts longer than 24h";
        return -EINVAL;
    }
    if (profile->count == SEGMENTS_MOST) {
        *why = "that makes more than 10000 steps";
        return -EINVAL;
    }
    if ((profile->count & (profile->count - 1)) == 0) {
        size_t room = profile->count ? 2 * profile->count : 1;
        struct profile_segment *segments = reallocarray(profile->segments, room, sizeof(*segments));
        if (!segments)
            return -ENOMEM;
        profile->segments = segments;
    }
    segment.begin_ns = profile->length_ns;
    segment.before = profile->total;
    profile->segments[profile->count++] = segment;
    profile->length_ns += segment.length_ns;
    profile->total += kinds[segment.kind].planned(&segment, (double)segment.length_ns);
    return 0;
}

static int append_hold(struct profile *profile, double rate, uint64_t length_ns, const char **why)
{
    return append(profile, (struct profile_segment){SEGMENT_HOLD, .from = rate, .to = rate, .length_ns = length_ns}, why);
}

static int add_hold(struct profile *profile, const struct operands *is, const char **why)
{
    return append_hold(profile, is->rates[0], is->times[0], why);
}

static int add_ramp(struct profile *profile, const struct operands *is, const char **why)
{
    return append(profile, (struct profile_segment){SEGMENT_RAMP, is->rates[0], is->rates[1], .length_ns = is->times[0]}, why);
}

static int add_step(struct profile *profile, const struct operands *is, const char **why)
{
    double from = is->rates[0], way = is->rates[1] - from, by = is->rates[2];
    double steps = by > 0 ? fabs(way) / by : 0;
    if (by <= 0 || fabs(steps - round(steps)) > 1e-6) {
        *why = by > 0 ? "its steps do not end at the last rate" : "its steps must be above 0";
        return -EINVAL;
    }
    int error = 0;
    for (unsigned i = 0; i <= round(steps) && !error; i++)
        error = append_hold(profile, steps > 0 ? from + way * i / round(steps) : from, is->times[0], why);
    return error;
}

/* "at 0": it begins with the spike. */
static int add_spike(struct profile *profile, const struct operands *is, const char **why)
{
    int error = is->times[0] ? append_hold(profile, is->rates[0], is->times[0], why) : 0;
    if (!error)
        error = append_hold(profile, is->rates[1], is->times[1], why);
    return error || !is->times[0] ? error : append_hold(profile, is->rates[0], is->times[0], why);
}

static int add_sine(struct profile *profile, const struct operands *is, const char **why)
{
    if (is->rates[0] > is->rates[1]) {
        *why = "its first rate must be the lower one";
        return -EINVAL;
    }
    uint64_t period_ns = is->times[0], length_ns = is->time_count > 1 ? is->times[1] : period_ns;
    return append(profile, (struct profile_segment){SEGMENT_SINE, is->rates[0], is->rates[1], 0, length_ns, period_ns, 0}, why);
}

/* ---- reading ---- */

/* In a pattern R is a rate and T a time above 0 (T0: or 0), what stands behind '?' may be left out, and all else stands as it is.
 */
static const struct shape {
    const char *name, *pattern, *usage;
    int (*add)(struct profile *profile, const struct operands *is, const char **why);
} shapes[] = {
    {"hold", "R for T", "hold RATE for TIME", add_hold},
    {"ramp", "R .. R over T", "ramp RATE..RATE over TIME", add_ramp},
    {"step", "R .. R by R every T", "step RATE..RATE by RATE every TIME", add_step},
    {"spike", "R .. R at T0 for T", "spike RATE..RATE at TIME for TIME", add_spike},
    {"sine", "R .. R every T ? for T", "sine RATE..RATE every TIME for TIME", add_sine},
};

#define TOKEN_SHOWN 40

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Up to the next space; ".." is a token of its own. Length 0 at the end. */
static struct slice next_token(struct slice *rest)
{
    while (rest->length > 0 && is_space(*rest->at))
        *rest = slice_after(*rest, 1);
    size_t length = slice_begins(*rest, "..") ? 2 : 0;
    if (length == 0)
        while (length < rest->length && !is_space(rest->at[length]) && !slice_begins(slice_after(*rest, length), ".."))
            length++;
    struct slice token = {rest->at, length};
    *rest = slice_after(*rest, length);
    return token;
}

/* As units_parse_count reads it, and fractions of a request a second, too. */
static int read_rate(struct slice token, double *rate)
{
    uint64_t count;
    char text[32], *end;
    if (units_parse_count(token.at, token.length, &count) == 0) {
        *rate = (double)count;
    } else {
        if (token.length == 0 || token.length >= sizeof(text) || strspn(token.at, "0123456789.") < token.length)
            return -EINVAL;
        memcpy(text, token.at, token.length);
        text[token.length] = '\0';
        *rate = strtod(text, &end);
        if (*end != '\0' || *text == '.')
            return -EINVAL;
    }
    return *rate <= RATE_MOST ? 0 : -ERANGE;
}

/* "'TOKEN' WHAT" into `why` (MESSAGE_SIZE); -EINVAL. */
static int complain(char *why, struct slice token, const char *what)
{
    int shown = token.length < TOKEN_SHOWN ? (int)token.length : TOKEN_SHOWN;
    if (token.length)
        snprintf(why, MESSAGE_SIZE, "'%.*s' %s", shown, token.at, what);
    else
        snprintf(why, MESSAGE_SIZE, "it ends too early");
    return -EINVAL;
}

/* One word of a pattern against one token of the text. NULL when it fits, else what it is not. */
static const char *fit(const char *word, struct slice token, struct operands *is)
{
    if (*word == 'R')
        return read_rate(token, &is->rates[is->rate_count++]) ? "is not a rate of 0..100m requests/s" : NULL;
    if (*word == 'T') {
        uint64_t *time = &is->times[is->time_count++];
        bool fits = token.length > 0 && units_parse_time(token.at, token.length, time) == 0 && (*time > 0 || word[1] == '0');
        return fits ? NULL : "is not a time above 0 with its unit";
    }
    return slice_is(token, word) ? NULL : "is not expected there";
}

/* The operands behind the segment's name. -EINVAL with what is wrong in `why` (MESSAGE_SIZE). */
static int read_operands(const char *pattern, struct slice rest, struct operands *is, char *why)
{
    char words[64], *save = NULL;
    snprintf(words, sizeof(words), "%s", pattern);
    for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        struct slice left = slice_trim(rest), token;
        if (*word == '?' && left.length == 0)
            return 0;
        if (*word == '?')
            continue;
        token = next_token(&rest);
        const char *wrong = fit(word, token, is);
        if (wrong)
            return complain(why, token, wrong);
    }
    struct slice surplus = next_token(&rest);
    return surplus.length == 0 ? 0 : complain(why, surplus, "is too much");
}

static const struct shape *find_shape(struct slice name)
{
    for (unsigned i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        if (slice_is(name, shapes[i].name))
            return &shapes[i];
    return NULL;
}

static int read_segment(struct profile *profile, struct slice text, unsigned number, char *message)
{
    struct slice rest = text, name = next_token(&rest);
    const struct shape *shape = find_shape(name);
    struct operands is = {.rate_count = 0};
    char wrong[MESSAGE_SIZE] = "";
    const char *why = wrong;
    if (!shape) {
        snprintf(message, MESSAGE_SIZE, "segment %u is %s; %s", number, name.length ? "of no known kind" : "empty",
                 profile_allowed);
        return -EINVAL;
    }
    int error = read_operands(shape->pattern, rest, &is, wrong);
    if (!error)
        error = shape->add(profile, &is, &why);
    if (error == -EINVAL)
        snprintf(message, MESSAGE_SIZE, "segment %u: %.150s; use '%s'", number, why, shape->usage);
    else if (error)
        snprintf(message, MESSAGE_SIZE, "%s", strerror(-error));
    return error;
}

static int read_segments(const char *text, struct profile *profile, char *message)
{
    int error = 0;
    for (unsigned number = 1; text && !error; number++) {
        size_t length = strcspn(text, ",");
        error = read_segment(profile, (struct slice){text, length}, number, message);
        text = text[length] ? text + length + 1 : NULL;
    }
    if (error || profile->total > 0)
        return error;
    snprintf(message, MESSAGE_SIZE, "it plans no request at all; use a rate above 0 in one segment at least");
    return -EINVAL;
}

int profile_parse(const char *text, struct profile *profile, char *message)
{
    *profile = (struct profile){.count = 0};
    int error = read_segments(text, profile, message);
    if (error)
        profile_close(profile);
    return error;
}
