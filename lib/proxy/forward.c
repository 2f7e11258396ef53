/*
 * Forwarding rules.
 */
#include "proxy/forward.h"

bool forward_is_hop_by_hop(struct slice name)
{
    static const char *const names[] = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", NULL};
    for (const char *const *each = names; *each; each++) {
        if (slice_is_nocase(name, *each))
            return true;
    }
    return false;
}
