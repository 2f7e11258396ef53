/*
 * Which function runs which errand. An errand is described by the service (service.h) and carried out here, in a file a subject.
 */
#include "cluster/errands.h"

typedef void errand_function(struct job *job);

static errand_function *const errands[ERRANDS] = {
    [SERVICE_COUNTER] = errand_counter,     [SERVICE_SESSION] = errand_session, [SERVICE_PRODUCTS] = errand_products,
    [SERVICE_CART] = errand_cart,           [SERVICE_STATIC] = errand_static,   [SERVICE_APPEND] = errand_append,
    [SERVICE_BROADCAST] = errand_broadcast, [SERVICE_STATS] = errand_stats,
};

void errand_run(struct job *job)
{
    unsigned errand = (unsigned)job->response.errand;
    if (errand < ERRANDS && errands[errand])
        errands[errand](job);
    else
        job_answer_text(job, 501, "this program has no such errand");
}
