/*
 * POST /reload, /scale?workers=N, /drain?worker=I, /restart?worker=I. The primary does it or says why not; here the query is read
 * and the outcome put into HTTP: 200 done or begun, 202 noted behind what is under way, 400 what cannot be meant, 409 what
 * cannot be done here or now, 503 too early or too late.
 */
#include <errno.h>

#include "base/units.h"
#include "cluster/admin.h"

static const struct {
    int error, status;
} statuses[] = {
    {0, 200},           {-EALREADY, 202}, {-EINVAL, 400},    {-ERANGE, 400},
    {-EOPNOTSUPP, 409}, {-EBUSY, 409},    {-ESHUTDOWN, 503}, {-EAGAIN, 503},
};

static int status_of(int error)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].error == error)
            return statuses[i].status;
    return 500;
}

/* Takes "name=value" off the front of a query. False when nothing is left. */
static bool next_parameter(struct slice *query, struct slice *name, struct slice *value)
{
    if (query->length == 0)
        return false;
    const char *end = memchr(query->at, '&', query->length);
    size_t length = end ? (size_t)(end - query->at) : query->length;
    const char *equals = memchr(query->at, '=', length);
    size_t name_length = equals ? (size_t)(equals - query->at) : length;
    *name = (struct slice){query->at, name_length};
    *value = equals ? (struct slice){equals + 1, length - name_length - 1} : (struct slice){"", 0};
    *query = slice_after(*query, end ? length + 1 : length);
    return true;
}

static int most_shown(struct slice slice)
{
    return slice.length < 60 ? (int)slice.length : 60;
}

/* The one parameter there has to be, low..high. What is wrong is answered, and false returned. */
static bool read_number(struct http_request *request, const char *wanted, unsigned low, unsigned high, unsigned *number)
{
    struct slice query = request->query, name, value, found = {NULL, 0};
    uint64_t parsed;
    while (next_parameter(&query, &name, &value)) {
        if (!slice_is(name, wanted) || found.at) {
            admin_refuse(request, 400, "", "'%.*s' is not allowed; use %s=%u..%u, once", most_shown(name), name.at, wanted, low,
                         high);
            return false;
        }
        found = value;
    }
    if (!found.at) {
        admin_refuse(request, 400, "", "%s is missing; use %.*s?%s=%u..%u", wanted, (int)request->path.length, request->path.at,
                     wanted, low, high);
        return false;
    }
    if (units_parse_count(found.at, found.length, &parsed) != 0 || parsed < low || parsed > high) {
        admin_refuse(request, 400, "", "%s: '%.*s' is not allowed; use %u..%u", wanted, most_shown(found), found.at, low, high);
        return false;
    }
    *number = (unsigned)parsed;
    return true;
}

/* `what` is done or begun, unless `error` and `why` say otherwise. */
static void tell(struct http_request *request, int error, const char *why, json_t *what)
{
    int status = status_of(error);
    if (status >= 300) {
        json_decref(what);
        admin_refuse(request, status, "", "%s", why[0] ? why : uv_strerror(error));
        return;
    }
    if (error)
        json_object_set_new(what, "message", json_string(why));
    admin_answer(request, status, "", what);
}

void control_reload(struct primary *primary, struct http_request *request)
{
    char why[PRIMARY_WHY_SIZE] = "";
    if (request->query.length > 0) {
        admin_refuse(request, 400, "", "'%.*s' is not allowed; /reload takes no parameters", most_shown(request->query),
                     request->query.at);
        return;
    }
    int error = primary_reload(primary, why);
    tell(request, error, why, json_pack("{s:b, s:s}", "ok", 1, "did", error ? "reload noted" : "reload begun"));
}

void control_scale(struct primary *primary, struct http_request *request)
{
    char why[PRIMARY_WHY_SIZE] = "";
    unsigned workers;
    if (!read_number(request, "workers", 1, WORKERS_MAX, &workers))
        return;
    int error = primary_scale(primary, workers, why);
    tell(request, error, why, json_pack("{s:b, s:s, s:i}", "ok", 1, "did", "scale", "workers", (int)workers));
}

static void steer_worker(struct primary *primary, struct http_request *request, const char *did,
                         int (*steer)(struct primary *, unsigned, char *))
{
    char why[PRIMARY_WHY_SIZE] = "";
    unsigned index;
    if (!read_number(request, "worker", 0, primary->worker_count - 1, &index))
        return;
    int error = steer(primary, index, why);
    tell(request, error, why, json_pack("{s:b, s:s, s:i}", "ok", 1, "did", did, "worker", (int)index));
}

void control_drain(struct primary *primary, struct http_request *request)
{
    steer_worker(primary, request, "drain", primary_drain_worker);
}

void control_restart(struct primary *primary, struct http_request *request)
{
    steer_worker(primary, request, "restart", primary_restart_worker);
}
