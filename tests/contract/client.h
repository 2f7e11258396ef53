/*
 * A raw HTTP client over one blocking-looking socket: bytes in, bytes out, always with a deadline (the contract's patience), and
 * always reading while it writes, so that neither side can wait for the other for ever.
 *
 * A client belongs to its contract and is closed after the test; client_close only does it earlier.
 */
#ifndef CONTRACT_CLIENT_H
#define CONTRACT_CLIENT_H

#include "contract.h"
#include <stddef.h>
#include <sys/socket.h>

#define CLIENT_SENT_KEPT 512

struct client {
    struct list link;
    struct contract *contract;
    int fd;
    char *received; /* bytes that came; those before `taken` were handed out as responses */
    size_t length, capacity, taken;
    uint64_t received_total;
    bool ended;                  /* the peer closed or reset: nothing more comes */
    int error;                   /* 0 after an orderly close, else the errno that ended it */
    int interim;                 /* 1xx taken since the last final response */
    bool no_body;                /* the next response answers HEAD */
    char sent[CLIENT_SENT_KEPT]; /* the latest bytes sent, for messages */
    size_t sent_length;
};

/* One response. Text points into the client's buffer: good until the next receive. */
struct response {
    int status, minor_version;
    int interim; /* how many 1xx came before it */
    const char *head;
    size_t head_length; /* status line and fields, with the last CRLF */
    const char *body;
    size_t body_length;
    bool chunked;
    bool until_close; /* neither length nor chunks: the body ended with the connection */
    bool keep_alive;  /* by version and Connection field */
    int worker;       /* X-Worker, -1 without */
};

/* Connects. Fails the test when it cannot; the `try` forms give NULL (address refused) instead. */
struct client *client_open(struct contract *contract, const struct server *server);
struct client *client_try_open(struct contract *contract, const struct server *server);
struct client *client_try_address(struct contract *contract, const struct sockaddr_storage *address, socklen_t length,
                                  int receive_buffer);

/* A client whose receive buffer is `bytes` (SO_RCVBUF before connect): one that can be overfilled. */
struct client *client_open_narrow(struct contract *contract, const struct server *server, int bytes);

/* Sends all; reads meanwhile. False when the peer ended the connection first. Fails the test at the deadline. */
bool client_send(struct client *client, const void *bytes, size_t length);
bool client_print(struct client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sends without reading, as much as fits at once; how many bytes, or -1 when the connection is over. */
long client_send_some(struct client *client, const void *bytes, size_t length);

void client_shutdown_write(struct client *client);

/* Reads at most `most` bytes of what is there: for clients slower than the server. */
void client_take_some(struct client *client, size_t most);

/* Reads what is there or comes within `milliseconds`: true when there are untaken bytes or the peer has ended. */
bool client_stirs(struct client *client, int milliseconds);

/* The next final response, if it comes before the deadline. Fails the test on nonsense only. */
enum client_outcome {
    CLIENT_WHOLE, /* *response is filled in */
    CLIENT_ENDED, /* the connection ended first */
    CLIENT_LATE,  /* the deadline passed first */
};
enum client_outcome client_await(struct client *client, struct response *response, uint64_t deadline_ns);

/* The next final response. False when the connection ends before it is whole; fails the test at the deadline or on nonsense. */
bool client_try_receive(struct client *client, struct response *response);
void client_receive(struct client *client, struct response *response);            /* must come */
void client_expect(struct client *client, int status, struct response *response); /* must come and have that status */

/* Sends a plain GET and expects that status. */
void client_get(struct client *client, const char *path, int status, struct response *response);

/* The peer must end the connection before the deadline, without another byte. */
void client_expect_end(struct client *client, const char *why);

/* Waits until the peer has ended, throwing nothing away. False at the deadline. */
bool client_wait_end(struct client *client, uint64_t deadline_ns);

void client_close(struct client *client);
void client_reset(struct client *client); /* closes with RST */
void client_close_all(struct contract *contract);

/* Prints what was sent and what came, escaped and shortened. */
void client_print_exchange(const struct client *client);
void client_print_sent(const struct client *client);

/* The value of a field, trimmed, in `value`; false when there is none. */
bool response_field(const struct response *response, const char *name, char *value, size_t size);

bool response_body_is(const struct response *response, const char *text);

/* True when the body is `Hello from worker <X-Worker>`, a newline allowed. */
bool response_is_greeting(const struct response *response);

#endif
