/*
 * What is sent and what must come back. Pure: no sockets, no clock.
 */
#ifndef LOADGEN_REQUEST_H
#define LOADGEN_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/distribution.h"
#include "base/net.h"
#include "base/options.h"
#include "base/random.h"
#include "base/slice.h"

/* ---- url.c ---- */

struct url {
    struct net_address address;
    struct slice host;   /* for the Host field, as written: "127.0.0.1:8080"; "localhost" for a unix socket */
    struct slice target; /* path and query; may lack its leading '/' when empty or beginning with '?' */
};

/* http://HOST[:PORT][/PATH], http://[IPV6]:PORT/, http://unix:/PATH:/TARGET, http://unix:@NAME:/TARGET. The slices point into
 * `text`. -EINVAL or -ENOENT (no such host) with one clause in `message` (MESSAGE_SIZE) that says what is wrong. */
int url_parse(const char *text, struct url *url, char *message);
bool url_is_target(struct slice text); /* nothing but visible ASCII */

/* ---- cookies.c ---- */

/* What Set-Cookie asked one connection to say again (RFC 6265, names and values only: a connection talks to one server for the
 * length of a run, so domain, path and Secure choose nothing; Max-Age=0 and an Expires in the past take a cookie back). */
struct cookie_jar;

struct cookie_jar *cookie_jar_new(void); /* NULL without memory */
void cookie_jar_free(struct cookie_jar *jar);
/* The value of a Set-Cookie field. What is malformed, or too much to keep, is passed over. */
void cookie_jar_set(struct cookie_jar *jar, struct slice set_cookie);
/* "a=1; b=2", empty without cookies; valid until the next call that changes the jar. */
struct slice cookie_jar_header(const struct cookie_jar *jar);

#define COOKIES_LONGEST 4096 /* bytes of cookie_jar_header */

/* ---- zipf.c ---- */

/* 1..ranks, rank k with probability proportional to 1/k^exponent. */
struct zipf {
    uint64_t ranks;
    double exponent;
    double low, high, squeeze; /* worked out from the two */
};

#define ZIPF_RANKS_MAX    10000000u
#define ZIPF_EXPONENT_MAX 10

void zipf_init(struct zipf *zipf, uint64_t ranks, double exponent); /* 1..ZIPF_RANKS_MAX, 0..ZIPF_EXPONENT_MAX */
uint64_t zipf_draw(const struct zipf *zipf, struct random *random);

/* ---- template.c ---- */

/*
 * Placeholders may stand in the target, in header values and in the body:
 *
 *   {exp:5ms}, any distribution   a time in whole microseconds: 5123us
 *   {seq}                         0, 1, 2, ... over all threads, no number twice; the same in all places of one request
 *   {zipf:1000}, {zipf:1000,0.8}  1..1000, k with probability proportional to 1/k, to 1/k^0.8
 *   {uuid}                        RFC 9562 version 4, from the seed; another one in each place
 *
 * In a target every '{' begins a placeholder, and what is none is an error. In a header and in a body '{' begins one only when
 * zipf:, exp:, uniform:, lognormal:, pareto: or bimodal: follows (then a mistake in the rest is an error), or exactly seq}, uuid}
 * or a time with its unit, 5ms}. Every other '{' is text: JSON needs no escaping, nor does {0}; { uuid } with spaces is text, too.
 */
enum piece_kind {
    PIECE_END,      /* the last piece: text only */
    PIECE_TIME,     /* {exp:5ms} */
    PIECE_SEQUENCE, /* {seq}: thread i counts i, i+t, i+2t */
    PIECE_ZIPF,     /* {zipf:1000} */
    PIECE_UUID,     /* {uuid} */
    PIECE_COOKIES,  /* "Cookie: ...\r\n", or nothing while the jar is empty */
    PIECE_LENGTH,   /* the length of a body with placeholders, right-aligned */
};

struct template_piece {
    struct slice text; /* goes out as it is; then what the kind says */
    enum piece_kind kind;
    struct distribution time;
    struct zipf *zipf; /* owned */
    unsigned width;    /* of a length, in digits */
};

/* The bytes of a request, made once. Without placeholders there is one piece and rendering copies nothing. */
struct template
{
    struct template_piece *pieces;
    unsigned count;
    size_t longest; /* bytes a rendered request can have */
    bool sequenced; /* has a PIECE_SEQUENCE */
    char *text;
};

struct request_parts {
    const char *method;
    const struct url *url;
    struct slice target;               /* instead of the URL's; empty: the URL's */
    const struct option_list *headers; /* "Name: value", checked */
    struct slice body;                 /* at NULL: none */
    bool last;                         /* announces `Connection: close` */
    bool cookies;                      /* has a PIECE_COOKIES */
};

/* What rendering draws from. One a thread. */
struct render_state {
    struct random random;
    uint64_t sequence, step; /* the next {seq}, and how far on the one after it is */
};

/* -EINVAL for a bad placeholder, with a clause in `message`; -ENOMEM. */
int template_init(struct template *template, const struct request_parts *parts, char *message);
void template_close(struct template *template);

/* The next request. Points into the template or into `buffer` (template->longest bytes). `jar` may be NULL. */
struct slice template_render(const struct template *template, struct render_state *state, const struct cookie_jar *jar,
                             char *buffer);

/* Are all placeholders of a target (or of a header, or of a body) as they should be? 0, or -EINVAL with a clause in `message`. */
int template_check_text(struct slice text, bool is_target, char *message);
/* "Name: value" of a header option, and a method; NULL, or a clause that says what is wrong with it. */
const char *template_check_header(const char *text);
const char *template_check_method(const char *text);
/* May it be sent twice without doing more than once? RFC 9110 9.2.2; what is not known is not. */
bool template_is_idempotent(const char *method);
struct slice template_header_name(const char *text);
bool template_is_token(struct slice text); /* RFC 9110 5.6.2: a method, a field's name */

/* ---- check.c ---- */

enum check_kind { CHECK_STATUS, CHECK_HEADER, CHECK_CONTAINS, CHECK_LENGTH, CHECK_CRC32, CHECK_KINDS };

extern const char *const check_names[CHECK_KINDS];

/* What a response must be: all of the parts that are set. Zeroed: nothing is asked. */
struct check {
    bool wanted[CHECK_KINDS];
    uint16_t status_from, status_to; /* status=200, status=2xx, status=200-299 */
    struct slice header, value;      /* header=Name or header=Name: value (exact, any case of the name) */
    struct slice contains;           /* of the body, also across the pieces it comes in */
    unsigned *contains_table;        /* owned: the failure function of Knuth, Morris and Pratt */
    uint64_t length;                 /* of the body, without chunk framing: length=5, length=64k */
    uint32_t crc32;                  /* of the body, as zlib's crc32() and gzip have it: crc32=1a2b3c4d */
};

extern const char check_allowed[]; /* what check_add takes, for messages: one line */

/* Adds one part, "status=200"; each kind once. `text` outlives the check. -EINVAL with a clause in `message`; -ENOMEM. */
int check_add(struct check *check, const char *text, char *message);
enum check_kind check_kind_of(const char *text); /* by the name before its '='; CHECK_KINDS: none */
void check_close(struct check *check);
bool check_is_empty(const struct check *check);
bool check_needs_body(const struct check *check);

/* One response on its way through a check. check_begin again behind an interim head (103 Early Hints): its fields are not the
 * response's. */
struct check_progress {
    uint64_t length;
    uint32_t crc32;
    unsigned matched;
    bool contained, header_seen;
};

void check_begin(struct check_progress *progress);
void check_header(const struct check *check, struct check_progress *progress, struct slice name, struct slice value);
void check_body(const struct check *check, struct check_progress *progress, struct slice piece);
/* The response is whole: which part does it fail? CHECK_KINDS: none. */
enum check_kind check_end(const struct check *check, const struct check_progress *progress, unsigned status);

/* ---- mix.c ---- */

/* The part of the settings that says what is sent. */
struct request_options {
    const char *method, *body, *body_file, *mix_file;
    struct option_list headers, checks;
    bool cookies;
};

/* One request of a mix. */
struct request_kind {
    char *name;
    double weight, cumulative;  /* cumulative: share of this one and all before it, 1 for the last */
    struct template keep, last; /* `last` is the last on its connection */
    struct check check;
    bool is_head, is_idempotent, checked;
};

/*
 * All requests of a run. Without a mix file there is one, named by its path. The file is INI:
 *
 *   [product]
 *   weight = 8
 *   path = /api/products?id={zipf:1000}
 *   check = status=200
 *   [cart]
 *   weight = 2
 *   method = POST
 *   path = /api/cart/add
 *   header = Content-Type: application/json
 *   body = {"id": "{uuid}"}
 *
 * Keys: weight (1), method, path, header (again and again), body, body-file (relative to the mix file), check (again and again).
 * What a section leaves out comes from the command line; so do the headers and checks there, except for headers of the same name
 * and checks of the same kind as one of the section's. A value goes on to the end of its line, and a line that begins with '#' or
 * ';' is a comment.
 */
struct request_mix {
    struct request_kind *kinds;
    unsigned count;
    bool cookies;    /* connections need a jar */
    bool checked;    /* some kind has a check */
    bool reads_body; /* ... that needs the body */
    size_t longest;  /* of any request */
    char **texts;    /* owned: file contents the kinds point into */
    unsigned text_count;
};

#define MIX_KINDS_MAX 64

/* -EINVAL and others with a whole clause in `message` that names the file, the line and what is allowed. */
int mix_init(struct request_mix *mix, const struct request_options *options, const struct url *url, char *message);
void mix_close(struct request_mix *mix);
unsigned mix_pick(const struct request_mix *mix, struct random *random); /* index of the next kind */

#endif
