/*
 * A server that does what the path says, in a thread of the test, and remembers what it was asked. Connection number k plays
 * worker k % SCRIPT_WORKERS, so that what loadgen attributes can be compared with what really happened.
 *
 *   /ok              200 with a body of 5 bytes      /status/NNN     that status
 *   /chunked         a body in chunks                /until-close    a body that ends with the connection
 *   /last            200, Connection: close          /pieces         200, written byte by byte
 *   /interim         100 Continue before the 200     /nameless       200 without X-Worker
 *   /silent          never answers                   /reset          resets the connection
 *   /cut             half of the body, then closes   /garbage        not HTTP
 *   /hints           103 by worker 99, then nameless /strange        X-Worker with a byte outside ASCII
 *   /surplus         more bytes than announced       /stall          200; the 100th request stops the whole server for STALL_MS
 *   /third           200; the third on a connection closes it, and says so
 *   /drop-third      the same without saying so      /hang-first     200, but the first connection of all is never answered
 *   /second-leaves   200; the second request on a connection finds it closed    /second-resets   the same with a reset
 *   /second-hints    the same with a reset behind a 103
 *   /slow/MS         200 after MS milliseconds (the whole server waits)
 *   /refuse          413 and Connection: close as soon as the head is there, whatever of the body is still to come
 *   /cookie          200; whoever does not say the cookie id=7 is asked to
 *   /halves/MS       one half of the response at once, the other after MS milliseconds
 *
 * Requests that arrive together (pipelined) are answered together: one segment, until one of them ends the connection.
 */
#ifndef SCRIPT_SERVER_H
#define SCRIPT_SERVER_H

#include <pthread.h>
#include <stdint.h>

#include "base/net.h"

#define SCRIPT_WORKERS      4
#define SCRIPT_STALL_MS     1000
#define SCRIPT_REQUESTS_MAX 20000 /* whose targets are remembered */
#define SCRIPT_CONNECTIONS  256
#define SCRIPT_PEERS_MAX    1024
#define SCRIPT_TARGET_SIZE  48

struct script_client {
    int fd;
    unsigned number, served;
    size_t length;
    char request[2048];
};

struct script_server {
    int listener, stop_fd;
    pthread_t thread;
    struct script_client *clients;
    char url[NET_TEXT_SIZE]; /* "http://127.0.0.1:4711" */

    /* Read them after script_server_stop. */
    _Atomic unsigned requests;         /* may be read at any time */
    unsigned connections, closes_seen; /* closes_seen: requests that carried Connection: close */
    unsigned cookies_seen;             /* requests that carried Cookie: id=7 */
    unsigned reads;                    /* of requests: how often something had come */
    struct net_address *peers;         /* of the first SCRIPT_PEERS_MAX connections */
    unsigned worker_requests[SCRIPT_WORKERS], worker_connections[SCRIPT_WORKERS];
    char (*targets)[SCRIPT_TARGET_SIZE];
    char last_request[2048];
};

/* `address` as for net_parse_address. Fails the test when it cannot start. */
void script_server_start(struct script_server *server, const char *address);
/* The same for a listener there is; the server closes it. */
void script_server_adopt(struct script_server *server, int listener);
void script_server_stop(struct script_server *server); /* then its counts stand still */
void script_server_free(struct script_server *server);

#endif
