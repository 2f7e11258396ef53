/*
 * /counter and /session: the state of all workers (state/state.h), seen from a client. What a store cannot do now is 503 with the
 * reason.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cluster/errands.h"
#include "cluster/primary.h"
#include "cluster/worker.h"
#include "service/cookie.h"

#define COOKIE_NAME "session"

/* ---- the primary's side ---- */

void state_for_worker(const struct question *question, struct slice bytes)
{
    char answer[STATE_ANSWER_SIZE];
    int length = state_primary_answer(&question->primary->state, bytes, answer);
    (void)question_reply(question, length < 0 ? length : 0,
                         (struct slice){answer, length < 0 ? 0 : (size_t)length}); /* full: the asker hears by its deadline */
}

/* Redis' own words are in it: what JSON does not take as it is becomes '?'. */
static void copy_plain(struct slice text, char *plain, size_t size)
{
    size_t length = text.length < size ? text.length : size - 1;
    for (size_t i = 0; i < length; i++)
        plain[i] = text.at[i] >= ' ' && text.at[i] <= '~' ? text.at[i] : '?';
    plain[length] = '\0';
}

void redis_of_worker(const struct question *question, struct slice reason)
{
    struct primary *primary = question->primary;
    const struct place *place = &primary->places[question->place];
    char text[512];
    copy_plain(reason, text, sizeof text);
    if (reason.length > 0)
        primary_event(primary, "redis", place, question_asker(question), "{s:s, s:s}", "state", "down", "reason", text);
    else
        primary_event(primary, "redis", place, question_asker(question), "{s:s}", "state", "up");
}

/* ---- /counter ---- */

static void answer_line(struct job *job, struct slice fields, int length)
{
    const struct http_response response = {
        .status = 200, .content_type = SLICE("text/plain"), .fields = fields, .body = {job->response.text, (size_t)length}};
    job_answer(job, &response);
}

static void on_counted(void *context, int error, const char *why, int64_t value)
{
    struct job *job = context;
    if (!job_back(job))
        return;
    if (error)
        job_answer_text(job, 503, "%s", why);
    else
        answer_line(job, SLICE(""), snprintf(job->response.text, sizeof job->response.text, "%" PRId64 "\n", value));
}

void errand_counter(struct job *job)
{
    const struct slice name = job->response.argument;
    char allowed[STATE_ALLOWED_SIZE];
    enum state_store store;
    if (state_parse_store(STATE_COUNTER, name, &store) != 0) {
        job_answer_text(job, 400, "'%.*s' is not allowed; use store=%s", name.length > 40 ? 40 : (int)name.length, name.at,
                        state_allowed_stores(STATE_COUNTER, allowed));
        return;
    }
    if (store == STATE_REDIS && job->worker->options->redis.length == 0) {
        job_answer_text(job, 503, "there is no Redis: see --redis");
        return;
    }
    job_hold(job);
    state_count(job->worker->private->share.state, store, job->response.number, on_counted, job);
}

/* ---- /session ---- */

static struct slice find_cookie(const struct http_request *request)
{
    struct slice value = SLICE("");
    const struct slice *field = http_request_header(request, "Cookie");
    if (field)
        cookie_value(*field, COOKIE_NAME, &value);
    return value;
}

/* A client that has its session already keeps its cookie. */
static void on_visited(void *context, int error, const char *why, const struct state_visit *visit)
{
    struct job *job = context;
    struct worker *worker = job->worker;
    char fields[160];
    if (!error)
        state_share_note(worker);
    if (!job_back(job))
        return;
    if (error) {
        job_answer_text(job, 503, "%s", why);
        return;
    }
    int used = snprintf(fields, sizeof fields, "Cache-Control: no-store\r\n");
    if (!visit->hit)
        used += snprintf(fields + used, sizeof fields - (size_t)used, "Set-Cookie: " COOKIE_NAME "=%s; HttpOnly; Path=/\r\n",
                         visit->id);
    answer_line(job, (struct slice){fields, (size_t)used},
                snprintf(job->response.text, sizeof job->response.text, "%s %" PRIu64 " worker %u\n", visit->hit ? "hit" : "miss",
                         visit->visits, worker->index));
}

void errand_session(struct job *job)
{
    struct slice id = find_cookie(job->request);
    job_hold(job);
    state_session_visit(job->worker->private->share.state, (enum state_store)job->worker->options->session_store, id, on_visited,
                        job);
}
