/*
 * What the manual page says beyond the options; the sections marked so stand at the end of --help, too.
 */
#include "loadgen/settings.h"

static const char description[] =
    "loadgen sends HTTP/1.1 requests over many connections and says how long the answers took, how many there were and, worker by "
    "worker, who gave them.\n"
    "\n"
    "In the closed loop each connection sends its next request once it has the answer to the one before (and has thought, "
    "--think): "
    "a slow server is asked less. In the open loop (--rate, --profile, --arrivals trace:FILE) requests are sent when they are "
    "planned, as users would who know nothing of each other: a slow server is asked all the same, and they queue up.\n"
    "\n"
    "Four moments of a request are taken down: when it was planned, when it was sent, when the first byte of its answer came and "
    "when the last. From them come\n"
    "\n"
    "  response time  planned to last byte: what a user waits, and the percentiles tell\n"
    "  service time   sent to last byte: all that a closed loop shows\n"
    "  first byte     sent to first byte\n"
    "  send lag       planned to sent: no connection free, or one to be opened first,\n"
    "                 or the generator late\n"
    "\n"
    "In the closed loop a request is planned when it is sent. Requests without an answer when the run ends (timed out, unfinished, "
    "never sent) are in the percentiles, too, as lower bounds: they took at least so long. A percentile that would be more than "
    "1 % higher if they took for ever is marked with '>='. No request is lost:\n"
    "\n"
    "  planned = ok + http errors + socket errors + timed out + unfinished + unsent\n"
    "\n"
    "Each run ends with a verdict on itself. VALID: the figures may be believed. SUSPECT: with the reasons given kept in mind. "
    "INVALID (exit status 3): they say more of the generator than of the server. It looks at the generator's lateness and its use "
    "of its CPU, at what the machine did meanwhile, at Little's law, and at whether what was planned was sent.";

static const char urls[] = "  http://HOST[:PORT][/PATH]      by name, or 127.0.0.1; port 80 when none is given\n"
                           "  http://[IPV6]:PORT/PATH        such as http://[::1]:8080/\n"
                           "  http://unix:/SOCKET:/PATH      a unix socket; http://unix:@NAME:/PATH for an abstract one\n"
                           "\n"
                           "The path may hold placeholders, drawn anew for every request: '/block/{exp:5ms}'. Quote them.";

static const char examples[] =
    "  loadgen -c 64 -d 10s http://127.0.0.1:8080/hello\n"
    "  loadgen -c 64 -R 5000 --arrivals poisson --warmup 2s --latency http://127.0.0.1:8080/hello\n"
    "  loadgen -R 2000 -z 30s --disable-keepalive --slo 'p99<5ms,errors<0.1%' http://127.0.0.1:8080/\n"
    "  loadgen --profile 'ramp 100..9000 over 30s' --html ramp.html 'http://127.0.0.1:8080/wait/{exp:1ms}'\n"
    "  loadgen --find-max 'p99<50ms' --arrivals poisson http://127.0.0.1:8080/block/5ms\n"
    "  loadgen --repeat 10 --compare http://127.0.0.1:8081/hello http://127.0.0.1:8080/hello";

static const char exit_status[] = "  0    done; VALID or SUSPECT\n"
                                  "  1    the command line cannot be carried out; nothing was sent\n"
                                  "  2    could not measure: nothing answered, or something here broke\n"
                                  "  3    measured, but INVALID\n"
                                  "  99   measured and not INVALID, but an objective (--slo) was missed, or no rate\n"
                                  "       was found at which all hold (--find-max)\n"
                                  "  130  interrupted by INT or TERM; what was measured so far is printed";

static const char values[] = "Times have a unit: 250us, 5ms, 1.5s, 2m, 1h. Numbers may end in k, m or g (thousand, million, "
                             "thousand million), sizes likewise "
                             "(1024, ...). Rates are plain numbers. Where a DISTRIBUTION of times is wanted:\n"
                             "\n"
                             "  5ms                         always\n"
                             "  exp:5ms                     exponential of that mean\n"
                             "  uniform:1ms-9ms             anywhere between\n"
                             "  lognormal:5ms,1.5           of that median, and that sigma of the logarithm\n"
                             "  pareto:1ms,1.5              at least that, and that shape: a heavy tail below 2\n"
                             "  bimodal:1ms@0.99,100ms@0.01 the one or the other, by shares";

static const char dispatch[] =
    "In the open loop a request that is due needs a connection, and which one decides how slowness of a single worker is seen.\n"
    "\n"
    "With idle, the one free longest takes it. A worker that is slow keeps its connections busy, so they take fewer requests and "
    "the "
    "connections of other workers take them instead: a hot worker gets less load and looks less hot than it would be to users who "
    "cannot choose. Good for comparing capacities.\n"
    "\n"
    "With pinned, each connection has its own plans, dealt out in turn, and keeps them whatever happens. Behind a slow answer its "
    "own next requests queue up, and nobody else's: the slowness of a worker is seen in full, by those who are bound to it.\n"
    "\n"
    "With open, as idle, but when no connection is free another is opened, up to --connections-max. Nothing waits in the "
    "generator: "
    "the queue is the server's. The extra connections go to whatever worker the server or kernel chooses, so they can hide a hot "
    "worker (they go past it) or make it worse (it gets more of them): look at the worker table.";

static const char profiles[] =
    "A profile is a rate over time, in requests a second; segments are parted by commas.\n"
    "\n"
    "  hold 5000 for 10s\n"
    "  ramp 1000..20000 over 30s\n"
    "  step 1000..5000 by 1000 every 5s    1000 for 5 s, 2000 for 5 s, ... 5000 for 5 s\n"
    "  spike 1000..20000 at 10s for 2s     1000 for 10 s, 20000 for 2 s, 1000 for 10 s\n"
    "  sine 1000..5000 every 10s for 60s   without 'for': one period\n"
    "\n"
    "A trace (--arrivals trace:FILE) has a time a line, counted from the start and ascending: seconds (0.0125) or with a unit "
    "(12.5ms). Empty lines and what follows a '#' are passed over.";

static const char placeholders[] =
    "In the path, in header values and in bodies:\n"
    "\n"
    "  {exp:5ms}, any distribution   a time in whole microseconds: 5123us\n"
    "  {seq}                         0, 1, 2, ...: no number twice in a run\n"
    "  {zipf:1000}, {zipf:1000,0.8}  1..1000; k is as likely as 1/k, or 1/k^0.8\n"
    "  {uuid}                        random, version 4\n"
    "\n"
    "In a path every '{' must begin one. In a header or a body a '{' that begins none is text, so JSON needs no escaping. All are "
    "drawn from the seed.";

static const char mixes[] =
    "A mix (--mix FILE) is an INI file, a section a kind of request. Each request is of one kind, by weight.\n"
    "\n"
    "  [product]\n"
    "  weight = 8\n"
    "  path = /api/products?id={zipf:1000}\n"
    "  check = status=200\n"
    "  [cart]\n"
    "  weight = 2\n"
    "  method = POST\n"
    "  path = /api/cart/add\n"
    "  header = Content-Type: application/json\n"
    "  body = {\"id\": \"{uuid}\"}\n"
    "\n"
    "Keys: weight (1 when left out), method, path, header (again and again), body, body-file (relative to the mix file), check "
    "(again "
    "and again). What a section leaves out comes from the command line, headers and checks one by one: a section's takes the place "
    "of the command line's header of that name, or check of that kind.";

static const char studies[] =
    "A study is several runs. --find-max looks for the highest rate at which all objectives hold. --repeat measures again and "
    "gives "
    "medians with their intervals. --compare measures two servers in turn, in random order, one of them twice in each block: what "
    "differs between a server and itself is noise, and only more than that is called different.\n"
    "\n"
    "An objective is a figure, < or >, and a bound: p50 to p99.999, mean and max of response time (with service- before: of "
    "service "
    "time), errors as a share, rate in answers a second. Several are parted by commas, and all must hold. A rate of --find-max "
    "must "
    "also leave no growing backlog: 98 % of the requests must be answered as they should be (unless an objective names errors), "
    "and the median response time must not grow by 1 % of the time that passes. The search usually takes 20 runs and never more "
    "than "
    "60. It ends with two rates 2 % apart, of which one held and one missed two of three runs; where the same rates hold and miss "
    "in "
    "turn, they lie further apart, and it says so.\n"
    "\n"
    "A comparison ends with 0 whatever its verdict; with 3 when more than 30 % of its blocks were rejected, for steal or an "
    "INVALID "
    "run. The verdict is about requests a second in the closed loop, about the median response time in the open loop.";

static const char environment[] =
    "NO_COLOR, when set and not empty, keeps colours out of the live view; TERM=dumb keeps out the live "
    "view itself, but for the plain lines of --live on.";

static const char files[] =
    "Reports, series and pages are written under a temporary name beside their own and renamed when they are "
    "whole: there is no half a file, and an interrupted run leaves what it measured. A run that got no answer (exit "
    "status 2) leaves them, too: they say INVALID, and what became of the requests. What could not begin, or "
    "broke, leaves none. Each output needs a file of its own; without --output the report goes to stdout.";

static const char see_also[] = "wrk(1), ab(1)";

const struct option_section settings_manual[] = {
    {.title = "Description", .text = description},
    {.title = "URL", .text = urls, .in_help = true},
    {.title = "Values", .text = values},
    {.title = "Dispatch", .text = dispatch},
    {.title = "Profiles and traces", .text = profiles},
    {.title = "Placeholders", .text = placeholders},
    {.title = "Mixes", .text = mixes},
    {.title = "Studies", .text = studies},
    {.title = "Environment", .text = environment},
    {.title = "Files", .text = files},
    {.title = "Exit status", .text = exit_status, .in_help = true},
    {.title = "Examples", .text = examples, .in_help = true},
    {.title = "See also", .text = see_also},
    {.title = NULL},
};
