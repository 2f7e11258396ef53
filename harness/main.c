/*
 * clusterbench: runs plans, judges and draws them; looks at running servers and steers them. This file knows the commands and
 * nothing else.
 *
 * Exit status: 0 done, 1 could not be done or measured nothing (one line on stderr says why), 2 out of memory, 130 interrupted. Of
 * compare: 0 no worse, 1 worse, 2 could not be compared, 3 undecided.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/options.h"

#include "catalog.h"
#include "compare.h"
#include "doctor.h"
#include "export.h"
#include "plan.h"
#include "report.h"
#include "run.h"
#include "serve.h"
#include "watch.h"

struct settings {
    struct run_settings run;
    struct serve_settings serve;
    struct watch_settings watch;
    struct compare_settings compare;
    struct export_settings export;
};

enum command_id { RUN, CHECK, REPORT, COMPARE, EXPORT, LIST, CONTRACT, SERVE, DOCTOR, TOP, CTL, COMMAND_COUNT };

/* The scope of an option: the commands that take it. */
#define OF(id) (1U << (id))

#define SETTING(field)         OPTION_FIELD(struct settings, run.field)
#define SERVE_SETTING(field)   OPTION_FIELD(struct settings, serve.field)
#define WATCH_SETTING(field)   OPTION_FIELD(struct settings, watch.field)
#define COMPARE_SETTING(field) OPTION_FIELD(struct settings, compare.field)
#define EXPORT_SETTING(field)  OPTION_FIELD(struct settings, export.field)

static const struct option_spec option_specs[] = {
    {.name = "plan",
     .scope = OF(RUN),
     .letter = 'p',
     .type = OPTION_TEXT,
     SETTING(plan),
     .is_file = true,
     .argument = "NAME|FILE",
     .group = "run",
     .help = "the plan to run: a name that `list plans` shows, or an .ini file (quick)"},
    {.name = "only",
     .scope = OF(RUN) | OF(CHECK),
     .type = OPTION_TEXT,
     SETTING(only),
     .argument = "A,B",
     .help = "only these experiments or strategies of it"},
    {.name = "blocks",
     .scope = OF(RUN) | OF(CHECK),
     .letter = 'b',
     .type = OPTION_INTEGER,
     SETTING(blocks),
     .max = 99,
     .fallback = "0",
     .argument = "N",
     .help = "how many blocks; 0: as many as the plan says"},
    {.name = "seed",
     .scope = OF(RUN),
     .letter = 's',
     .type = OPTION_INTEGER,
     SETTING(seed),
     .max = UINT64_C(1) << 53,
     .fallback = "0",
     .argument = "S",
     .help = "of orders and requests; 0: the plan's, else a new one"},
    {.name = "out",
     .scope = OF(RUN) | OF(COMPARE) | OF(EXPORT),
     .letter = 'o',
     .type = OPTION_TEXT,
     SETTING(out),
     .is_file = true,
     .argument = "DIR|FILE",
     .help = "the results folder (results/UTC-PLAN); of compare and export a file (stdout)"},
    {.name = "quick",
     .scope = OF(RUN) | OF(CHECK),
     .type = OPTION_FLAG,
     SETTING(quick),
     .help = "one block of short cells, no verdicts: to try a plan"},
    {.name = "budget",
     .scope = OF(RUN) | OF(CHECK),
     .type = OPTION_TIME,
     SETTING(budget_ns),
     .min = CLOCK_NS_PER_S,
     .argument = "TIME",
     .help = "as many blocks as fit into that time with capacities, repeats and the report, at least one"},
    {.name = "resume",
     .scope = OF(RUN),
     .type = OPTION_TEXT,
     SETTING(resume),
     .is_file = true,
     .argument = "DIR",
     .help = "go on with an interrupted run: plan, seed and the rest are taken from its folder"},
    {.name = "force-resume",
     .scope = OF(RUN),
     .type = OPTION_FLAG,
     SETTING(force_resume),
     .help = "--resume, although machine or programs are not what they were; what differs is written down"},
    {.name = "workers",
     .scope = OF(SERVE) | OF(CONTRACT),
     .letter = 'w',
     .type = OPTION_INTEGER,
     SERVE_SETTING(workers),
     .min = 1,
     .max = 32,
     .fallback = "3",
     .argument = "N",
     .group = "serve, contract",
     .help = "how many workers it is to have"},
    {.name = "listen",
     .scope = OF(SERVE),
     .type = OPTION_TEXT,
     SERVE_SETTING(listen),
     .fallback = "127.0.0.1:0",
     .argument = "ADDR",
     .help = "serve: 127.0.0.1:0; the port is chosen"},
    {.name = "admin",
     .scope = OF(SERVE),
     .type = OPTION_TEXT,
     SERVE_SETTING(admin),
     .fallback = "127.0.0.1:0",
     .argument = "ADDR",
     .help = "serve: 127.0.0.1:0; taken and not used"},
    {.name = "reading",
     .scope = OF(COMPARE),
     .type = OPTION_CHOICE,
     COMPARE_SETTING(reading),
     .choices = compare_readings,
     .fallback = "relative",
     .argument = "WHICH",
     .group = "compare, export",
     .help = "compare: what is judged: relative (each row against the baseline of its own run) or absolute figures"},
    {.name = "metric",
     .scope = OF(COMPARE),
     .type = OPTION_TEXT,
     COMPARE_SETTING(metrics),
     .fallback = "primary",
     .argument = "A,B",
     .help = "compare: these metrics; primary: each experiment's own"},
    {.name = "only-common",
     .scope = OF(COMPARE),
     .type = OPTION_FLAG,
     COMPARE_SETTING(only_common),
     .help = "compare: what both runs have, of two plans"},
    {.name = "across-machines",
     .scope = OF(COMPARE),
     .type = OPTION_FLAG,
     COMPARE_SETTING(across_machines),
     .help = "compare: runs of two machines, too; says what that voids"},
    {.name = "format",
     .scope = OF(COMPARE),
     .type = OPTION_CHOICE,
     COMPARE_SETTING(format),
     .choices = compare_formats,
     .fallback = "text",
     .argument = "FORMAT",
     .help = "compare: text, json or html"},
    {.name = "csv",
     .scope = OF(EXPORT),
     .type = OPTION_FLAG,
     EXPORT_SETTING(csv),
     .help = "export: a line a block, cell and metric"},
    {.name = "prometheus",
     .scope = OF(EXPORT),
     .type = OPTION_FLAG,
     EXPORT_SETTING(prometheus),
     .help = "export: medians in Prometheus' text format"},
    {.name = "interval",
     .scope = OF(TOP),
     .letter = 'i',
     .type = OPTION_TIME,
     WATCH_SETTING(interval_ns),
     .min = 100 * CLOCK_NS_PER_MS,
     .max = 3600 * CLOCK_NS_PER_S,
     .fallback = "1s",
     .argument = "TIME",
     .group = "top, ctl",
     .help = "top: from one look to the next; rates are those in between"},
    {.name = "count",
     .scope = OF(TOP),
     .letter = 'n',
     .type = OPTION_INTEGER,
     WATCH_SETTING(count),
     .max = 1000000,
     .fallback = "0",
     .argument = "N",
     .help = "top: end after so many tables; 0: on a terminal never, elsewhere after one"},
    {.name = "wait",
     .scope = OF(CTL),
     .type = OPTION_FLAG,
     WATCH_SETTING(wait),
     .help = "ctl: end when what was ordered is complete, or has failed"},
    {.name = "timeout",
     .scope = OF(CTL),
     .type = OPTION_TIME,
     WATCH_SETTING(timeout_ns),
     .fallback = "60s",
     .argument = "TIME",
     .help = "ctl --wait: and fail after that"},
    {.name = "token-file",
     .scope = OF(TOP) | OF(CTL),
     .type = OPTION_TEXT,
     WATCH_SETTING(token_file),
     .is_file = true,
     .argument = "FILE",
     .help = "the server's token is its first line (the server's --admin-token-file)"},
    {.name = "bin",
     .scope = OF(RUN) | OF(CHECK) | OF(LIST) | OF(DOCTOR) | OF(SERVE) | OF(CONTRACT),
     .type = OPTION_TEXT,
     SETTING(programs),
     .is_file = true,
     .argument = "DIR",
     .group = "where things are",
     .help = "folder of the server programs and loadgen (where clusterbench lies)"},
    {.name = "peers",
     .scope = OF(RUN) | OF(CHECK) | OF(SERVE) | OF(CONTRACT),
     .type = OPTION_TEXT,
     SETTING(peers),
     .is_file = true,
     .argument = "DIR",
     .help = "folder of the peers: DIR/NAME/peer.ini"},
    {.name = "plans",
     .scope = OF(RUN) | OF(CHECK) | OF(LIST),
     .type = OPTION_TEXT,
     SETTING(plans),
     .is_file = true,
     .argument = "DIR",
     .help = "folder of the plans"},
    {.name = "plots",
     .scope = OF(RUN) | OF(REPORT),
     .type = OPTION_TEXT,
     SETTING(plots),
     .is_file = true,
     .argument = "DIR",
     .help = "folder of the plot scripts"},
    {.name = NULL},
};

/* ---- commands: each gets its operands ---- */

static int command_run(const struct settings *settings, int count, char **operands)
{
    (void)count;
    (void)operands;
    return run_plan(&settings->run);
}

static int command_report(const struct settings *settings, int count, char **operands)
{
    struct custody custody;
    if (count < 1) {
        fputs("clusterbench: report needs a results folder: clusterbench report DIR\n", stderr);
        return 1;
    }
    int result = custody_open(&custody);
    if (result < 0) {
        fprintf(stderr, "clusterbench: signals cannot be set up: %s\n", strerror(-result));
        return 1;
    }
    int status = report_make(&custody, operands[0], settings->run.plots, REPORT_WITH_TABLES);
    custody_close(&custody);
    return status;
}

static int command_check(const struct settings *settings, int count, char **operands)
{
    if (count < 1) {
        fputs("clusterbench: check needs a plan: clusterbench check queueing, or a path to an .ini file\n", stderr);
        return 1;
    }
    return run_check(&settings->run, operands[0]);
}

static int command_compare(const struct settings *settings, int count, char **operands)
{
    struct compare_settings compare = settings->compare;
    compare.out = settings->run.out;
    if (count < 2) {
        fputs("clusterbench: compare needs two results folders: clusterbench compare A B\n", stderr);
        return COMPARE_CANNOT;
    }
    return compare_run(&compare, operands[0], operands[1]);
}

static int command_export(const struct settings *settings, int count, char **operands)
{
    struct export_settings export = settings->export;
    export.out = settings->run.out;
    if (count < 1) {
        fputs("clusterbench: export needs a results folder: clusterbench export DIR --csv\n", stderr);
        return 1;
    }
    return export_run(&export, operands[0]);
}

static int list_strategies(const struct settings *settings)
{
    struct names list = {0};
    char *programs = catalog_programs(settings->run.programs);
    catalog_strategies(&list);
    for (size_t i = 0; i < list.count; i++)
        printf("%s%s\n", list.items[i], catalog_has_program(programs, list.items[i]) ? "" : "  (not built)");
    free(programs);
    names_free(&list);
    return 0;
}

static void print_plan(const struct names *folders, const char *name)
{
    struct plan plan;
    char error[PLAN_ERROR_SIZE], *file = catalog_plan_file(folders, name);
    if (file && plan_read(&plan, file, error) == 0) {
        unsigned minutes = (unsigned)((plan_estimate_ns(&plan, 2) + UINT64_C(30000000000)) / UINT64_C(60000000000));
        printf("%-12s %s: %u experiments, %u block%s, about %u min\n", name, plan.title, plan.count, plan.blocks,
               plan.blocks == 1 ? "" : "s", minutes ? minutes : 1);
        plan_close(&plan);
    } else {
        printf("%-12s %s\n", name, file ? error : "cannot be read");
    }
    free(file);
}

static int list_plans(const struct settings *settings)
{
    struct names folders = {0}, plans = {0};
    catalog_folders(&folders, "plans", settings->run.plans);
    catalog_plans(&folders, &plans);
    for (size_t i = 0; i < plans.count; i++)
        print_plan(&folders, plans.items[i]);
    names_free(&plans);
    names_free(&folders);
    return 0;
}

static int list_policies(void)
{
    struct names list = {0};
    catalog_policies(&list);
    for (size_t i = 0; i < list.count; i++)
        puts(list.items[i]);
    names_free(&list);
    return 0;
}

static int command_list(const struct settings *settings, int count, char **operands)
{
    if (count && !strcmp(operands[0], "plans"))
        return list_plans(settings);
    if (count && !strcmp(operands[0], "strategies"))
        return list_strategies(settings);
    if (count && !strcmp(operands[0], "policies"))
        return list_policies();
    if (count) {
        fprintf(stderr, "clusterbench: list '%s' is not known; use strategies, plans or policies\n", operands[0]);
        return 1;
    }
    puts("strategies:");
    list_strategies(settings);
    puts("\nplans:");
    list_plans(settings);
    puts("\npolicies:");
    return list_policies();
}

static int command_doctor(const struct settings *settings, int count, char **operands)
{
    (void)count;
    (void)operands;
    struct custody custody;
    if (custody_open(&custody) < 0) {
        fputs("clusterbench: signals cannot be set up\n", stderr);
        return 1;
    }
    int status = doctor_examine(&custody, settings->run.programs);
    custody_close(&custody);
    return status;
}

/* The folders that two commands share are options of `run`. */
static struct serve_settings serve_settings(const struct settings *settings)
{
    struct serve_settings serve = settings->serve;
    serve.programs = settings->run.programs;
    serve.peers = settings->run.peers;
    return serve;
}

static int command_serve(const struct settings *settings, int count, char **operands)
{
    struct serve_settings serve = serve_settings(settings);
    if (count < 1) {
        fputs("clusterbench: serve needs the name of a peer: clusterbench serve nginx-shared\n", stderr);
        return 1;
    }
    return serve_run(&serve, operands[0]);
}

static int command_contract(const struct settings *settings, int count, char **operands)
{
    struct serve_settings serve = serve_settings(settings);
    if (count < 1) {
        fputs("clusterbench: contract needs the name of a peer or a program: clusterbench contract nginx-shared\n", stderr);
        return 1;
    }
    return contract_run(&serve, operands[0]);
}

static int command_top(const struct settings *settings, int count, char **operands)
{
    if (count < 1) {
        fputs("clusterbench: top needs a server's admin address: clusterbench top 127.0.0.1:9000\n", stderr);
        return 1;
    }
    return top_run(&settings->watch, operands[0]);
}

static int command_ctl(const struct settings *settings, int count, char **operands)
{
    if (count < 1) {
        fputs("clusterbench: ctl needs a server's admin address and an action: clusterbench ctl 127.0.0.1:9000 reload\n", stderr);
        return 1;
    }
    return ctl_run(&settings->watch, count, operands);
}

static const struct command {
    const char *name;
    int operands_most;
    int (*run)(const struct settings *settings, int count, char **operands);
} commands[COMMAND_COUNT] = {
    [RUN] = {"run", 0, command_run},
    [CHECK] = {"check", 1, command_check},
    [REPORT] = {"report", 1, command_report},
    [COMPARE] = {"compare", 2, command_compare},
    [EXPORT] = {"export", 1, command_export},
    [LIST] = {"list", 1, command_list},
    [CONTRACT] = {"contract", 1, command_contract},
    [SERVE] = {"serve", 1, command_serve},
    [DOCTOR] = {"doctor", 0, command_doctor},
    [TOP] = {"top", 1, command_top},
    [CTL] = {"ctl", 3, command_ctl},
};

static int refuse_command(const char *name)
{
    struct names known = {0};
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        names_add(&known, commands[i].name);
    char *all = names_join(&known, ", ");
    if (name)
        fprintf(stderr, "clusterbench: no command '%s'; use %s, or --help\n", name, all);
    else
        fprintf(stderr, "clusterbench: a command is missing; use %s, or --help\n", all);
    free(all);
    names_free(&known);
    return 1;
}

/* Of a command line that is none; 1 would say "worse" of compare. */
static int refused_status(const char *command)
{
    return !strcmp(command, commands[COMPARE].name) ? COMPARE_CANNOT : 1;
}

/* ---- options: each command has its own ---- */

#define ROWS (sizeof(option_specs) / sizeof(*option_specs))

/* Which rows the command line gave a value. */
struct given {
    bool rows[ROWS];
};

static void note_given(void *context, const struct option_spec *row, const char *text)
{
    struct given *given = context;
    (void)text;
    given->rows[row - option_specs] = true;
}

/* "--reading, --metric"; the caller frees. */
static char *list_options(enum command_id id)
{
    struct names names = {0};
    for (size_t i = 0; option_specs[i].name; i++) {
        char *name = text_print("--%s", option_specs[i].name);
        if (option_specs[i].scope & OF(id))
            names_add(&names, name);
        free(name);
    }
    char *list = names_join(&names, ", ");
    names_free(&names);
    return list;
}

/* An option that would do nothing is refused: whoever gave it takes it for obeyed. */
static int check_options(const struct settings *settings, const struct given *given, enum command_id id)
{
    for (size_t i = 0; option_specs[i].name; i++) {
        if (!given->rows[i] || option_specs[i].scope & OF(id))
            continue;
        char *list = list_options(id);
        fprintf(stderr, "clusterbench: %s does not take --%s; it takes %s\n", commands[id].name, option_specs[i].name, list);
        free(list);
        return -EINVAL;
    }
    if (settings->run.force_resume && !settings->run.resume) {
        fputs("clusterbench: --force-resume needs the run to go on with: --resume DIR\n", stderr);
        return -EINVAL;
    }
    return 0;
}

static int find_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(commands[i].name, name))
            return i;
    return -1;
}

static int carry_out(const struct settings *settings, const struct given *given, int count, char **operands)
{
    int id = count ? find_command(operands[0]) : -1;
    if (id < 0)
        return refuse_command(count ? operands[0] : NULL);
    if (check_options(settings, given, (enum command_id)id) < 0)
        return refused_status(operands[0]);
    if (count - 1 > commands[id].operands_most) {
        fprintf(stderr, "clusterbench: %s: '%s' is one word too many\n", operands[0], operands[commands[id].operands_most + 1]);
        return refused_status(operands[0]);
    }
    return commands[id].run(settings, count - 1, operands + 1);
}

static const char commands_help[] =
    "Commands:\n"
    "  run                        carries out a plan and writes a results folder with report.html\n"
    "  check PLAN                 says whether a plan is right, and what it would run here\n"
    "  report DIR                 draws plots and report.html again from the recorded data\n"
    "  compare A B                holds two results folders against each other: B no worse, worse, undecided\n"
    "  export DIR                 prints a run for other programs: --csv or --prometheus\n"
    "  list [KIND]                shows what there is of strategies, plans and policies, or of one of them\n"
    "  contract NAME|PROGRAM      says line by line what a peer or a program keeps of the contract\n"
    "  serve NAME                 starts a peer by hand, prints where it listens, ends it at TERM or INT\n"
    "  doctor                     tells what is missing, what makes this machine noisy, and what to do\n"
    "  top ADDR                   shows the workers of a running server; ADDR is its --admin address,\n"
    "                             as in 127.0.0.1:9000 or unix:PATH\n"
    "  ctl ADDR status            says in one line how that server is\n"
    "  ctl ADDR reload            gives it new workers, one after the other\n"
    "  ctl ADDR scale N           lets it have N workers\n"
    "  ctl ADDR drain I           takes worker I out\n"
    "  ctl ADDR restart I         puts a new worker in the place of worker I";

/* What completion offers: commands, and the words behind list and ctl. */
static const char *const offered[] = {"run",    "check", "compare", "export",   "report",     "list",  "doctor",
                                      "top",    "ctl",   "serve",   "contract", "strategies", "plans", "status",
                                      "reload", "scale", "drain",   "restart",  NULL};

/* Before the options are understood nobody knows which word is the command: of a line that holds "compare" none may say "worse". */
static int status_of_refusal(int argc, char **argv)
{
    int status = 1;
    for (int i = 1; i < argc; i++)
        status = refused_status(argv[i]) != 1 ? refused_status(argv[i]) : status;
    return status;
}

static int parse(const struct option_program *program, struct given *given, int argc, char **argv, int *first)
{
    char error[OPTIONS_ERROR_SIZE];
    struct option_program telling = *program;
    int outcome = options_set_defaults(program, error);
    telling.noted = note_given;
    telling.context = given;
    if (outcome == OPTIONS_RUN)
        outcome = options_parse_arguments(&telling, argc, argv, first, error);
    if (outcome < 0)
        fprintf(stderr, "%s\n", error);
    return outcome;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct given given = {0};
    struct option_table table = {option_specs, &settings};
    struct option_program program = {
        .name = "clusterbench",
        .summary = "Runs server strategies side by side under the same load, judges the differences and draws them.",
        .usage = "COMMAND [options]",
        .epilogue = commands_help,
        .operands = offered,
        .version = "clusterbench " CLUSTERBENCH_VERSION,
        .tables = &table,
        .table_count = 1,
    };
    int first, status = status_of_refusal(argc, argv); /* operands are moved by the parser */
    int outcome = parse(&program, &given, argc, argv, &first);
    if (outcome < 0)
        return status;
    return outcome == OPTIONS_DONE ? 0 : carry_out(&settings, &given, argc - first, argv + first);
}
