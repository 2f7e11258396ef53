/*
 * What the manual page says beyond the options: files and their forms.
 */
#include "cluster/options.h"

static const char configuration[] =
    "What --config names is an INI file. A key is the name of an option without its dashes; flags are on or off.\n"
    "\n"
    "  # site.ini, for --config site.ini --env production\n"
    "  [default]\n"
    "  workers = 2\n"
    "  log = info\n"
    "  [production]\n"
    "  workers = auto\n"
    "\n"
    "[default] holds always, one other section when --env chooses it; the command line wins over [NAME], [NAME] over [default], "
    "[default] over what is built in. The names of the keys of all sections are checked, the values of those in use. A line that "
    "begins with '#' or ';' is a comment; a value goes on to the end of its line.\n"
    "\n"
    "--check-config prints what holds in the same form, so that it can be given to --config again.\n"
    "\n"
    "The file is read at the start and at a reload. A worker that is started again meanwhile has the values of all others. A "
    "reload "
    "takes new values of time-outs, limits, supervision and the access log; for others a warning says that they stay what they are "
    "until the next start. A file with a mistake changes nothing, and neither does one with which no worker becomes ready.";

static const char logs[] =
    "--event-log: a JSON object a line, with time, event, role (primary, worker or front), the worker's or front's number under "
    "that name, pid, generation, and what belongs to the event. Events: start, ready, exit (status or signal), restart (delay_ms), "
    "reload (step), scale (from, to), drain, errored, memory, hang, reopen, stop (exit_status), lost (count: events that could not "
    "be written).\n"
    "\n"
    "--access-log: a line for each answer, in one of two formats:\n"
    "\n"
    "  127.0.0.1 - - [22/Nov/2026:03:04:05 +0000] \"GET /hello HTTP/1.1\" 200 20 3 153\n"
    "  {\"time\":\"2026-11-22T03:04:05.678Z\",\"worker\":3,\"client\":\"127.0.0.1\",\n"
    "   \"method\":\"GET\",\"target\":\"/hello\",\"protocol\":\"HTTP/1.1\",\"status\":200,\n"
    "   \"bytes\":20,\"duration_us\":153}\n"
    "\n"
    "(the second one is a single line in the file). Bytes are those of the body. Behind them stand the worker and the microseconds "
    "from the request's last byte having been read to the answer being given for sending. Times are UTC. Quotes and bytes that "
    "are not printable are escaped; of a target longer than 8,192 bytes the rest is \"...\". Requests that were refused have a "
    "line, "
    "too; 499 stands for a client that went before it was answered. Where fronts stand between, they write, and the worker is the "
    "one that answered, - or null where none did.\n"
    "\n"
    "Each worker writes whole lines to the end of the file, when there are 32 KiB of them and at least every 200 ms, without "
    "waiting "
    "for the disk. What a slow or full disk does not take of 256 KiB a worker is dropped and counted (access_lines_dropped in "
    "/status). A worker that drains or stops writes what it has; one that is killed loses the last 200 ms.\n"
    "\n"
    "To rotate logs: move them, then send USR1. No line is lost or torn. Each worker goes over to the new file when its loop "
    "turns: one "
    "that is occupied writes to the moved file until then.";

const struct option_section cluster_manual[] = {
    {.title = "Configuration file", .text = configuration},
    {.title = "Logs", .text = logs},
    {.title = NULL},
};
