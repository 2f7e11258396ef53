/*
 * doctor: a table of checks. Each looks at one thing and says how it is; what spoils figures comes with its remedy. What is noise
 * is in doctor_noise.c.
 *
 * The grade: A when nothing is noisy; B with one or two things that are; C with more, or with one that spoils figures (blocks
 * would be thrown out, or servers and generator are in each other's way); D with two of those. What is missing and what is only
 * noted do not count.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#include "catalog.h"
#include "contender.h"
#include "crosscheck.h"
#include "doctor.h"
#include "doctor_parts.h"

#define WATCH_NS (500 * CLOCK_NS_PER_MS)

void doctor_find(struct checkup *checkup, enum finding_grade grade, char *what, const char *remedy)
{
    checkup->grade = grade;
    checkup->what = what;
    checkup->remedy = remedy;
}

static void check_programs(struct checkup *checkup)
{
    struct names list = {0}, missing = {0};
    catalog_strategies(&list);
    names_add(&list, "loadgen");
    for (size_t i = 0; i < list.count; i++)
        if (!catalog_has_program(checkup->programs, list.items[i]))
            names_add(&missing, list.items[i]);
    char *names = names_join(&missing, ", ");
    if (missing.count)
        doctor_find(checkup, MISSING, text_print("not in %s: %s", checkup->programs, names),
                    "make build, or name another folder with --bin");
    else
        doctor_find(checkup, FINE, text_print("all %zu programs are in %s", list.count, checkup->programs), NULL);
    free(names);
    names_free(&missing);
    names_free(&list);
}

static void check_gnuplot(struct checkup *checkup)
{
    char *argv[] = {(char *)"gnuplot", (char *)"--version", NULL}, *version = process_capture(checkup->custody, argv);
    if (version)
        doctor_find(checkup, FINE, text_copy(text_trim(version)), NULL);
    else
        doctor_find(checkup, MISSING, text_copy("gnuplot is missing: tables and data, but no plots"),
                    "apt-get install gnuplot-nox");
    free(version);
}

static void check_peers(struct checkup *checkup)
{
    struct names folders = {0}, peers = {0}, missing = {0};
    struct contender_places places = {checkup->programs, &folders};
    struct plan no_plan = {0};
    char error[CONTENDER_ERROR_SIZE];
    catalog_peer_folders(&folders, NULL);
    catalog_peers(&folders, &peers);
    for (size_t i = 0; i < peers.count; i++) {
        struct contender contender = {0};
        if (contender_find(&contender, &places, &no_plan, peers.items[i], error) < 0 || contender.missing)
            names_add(&missing, peers.items[i]);
        contender_close(&contender);
    }
    char *list = names_join(&missing, ", ");
    if (missing.count)
        doctor_find(checkup, NOTED, text_print("%zu of %zu peers are not installed: %s", missing.count, peers.count, list),
                    "make peers");
    else
        doctor_find(checkup, FINE, text_print("all %zu peers are installed", peers.count), NULL);
    free(list);
    names_free(&missing);
    names_free(&peers);
    names_free(&folders);
}

static void check_generators(struct checkup *checkup)
{
    static const char *const known[] = {"wrk", "ab", "hey"};
    struct names there = {0};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        char *program = crosscheck_program(known[i]);
        if (program)
            names_add(&there, known[i]);
        free(program);
    }
    char *list = names_join(&there, ", ");
    if (there.count)
        doctor_find(checkup, FINE, text_print("for crosschecks there is %s", list), NULL);
    else
        doctor_find(checkup, NOTED, text_copy("no other load generator: cells cannot be crosschecked"),
                    "apt-get install wrk apache2-utils");
    free(list);
    names_free(&there);
}

/* One half second for all that has to be watched. */
static void watch(struct watch *watch)
{
    watch->worked = machine_time(&watch->from) == 0 && census_take(&watch->before) == 0;
    uint64_t begin_ns = clock_now_ns();
    clock_sleep_until_ns(begin_ns + WATCH_NS);
    watch->wall_ns = clock_now_ns() - begin_ns;
    watch->worked &= machine_time(&watch->to) == 0 && census_take(&watch->after) == 0;
}

static const struct check checks[] = {
    {"programs", check_programs},
    {"plots", check_gnuplot},
    {"peers", check_peers},
    {"generators", check_generators},
};

struct tally {
    unsigned counts[GRADES];
};

static void examine(const struct check *check, const struct checkup *common, struct tally *tally)
{
    static const char *const words[GRADES] = {
        [FINE] = "ok", [NOTED] = "note", [MISSING] = "missing", [NOISY] = "noisy", [SPOILING] = "spoils"};
    struct checkup checkup = *common;
    check->look(&checkup);
    printf("%-8s %-11s %s\n", words[checkup.grade], check->name, checkup.what);
    if (checkup.remedy)
        printf("%-8s %-11s -> %s\n", "", "", checkup.remedy);
    tally->counts[checkup.grade]++;
    free(checkup.what);
}

char doctor_grade(unsigned noisy, unsigned spoiling)
{
    if (spoiling)
        return spoiling > 1 ? 'D' : 'C';
    return noisy > 2 ? 'C' : noisy ? 'B' : 'A';
}

int doctor_examine(struct custody *custody, const char *programs)
{
    struct tally tally = {0};
    struct watch seen = {0};
    char *folder = catalog_programs(programs);
    watch(&seen);
    struct checkup common = {.custody = custody, .programs = folder, .watch = &seen};
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
        examine(&checks[i], &common, &tally);
    for (const struct check *check = doctor_noise_checks; check->name; check++)
        examine(check, &common, &tally);
    printf("machine grade %c: %u spoil figures, %u noisy, %u ok, %u noted, %u missing\n",
           doctor_grade(tally.counts[NOISY], tally.counts[SPOILING]), tally.counts[SPOILING], tally.counts[NOISY],
           tally.counts[FINE], tally.counts[NOTED], tally.counts[MISSING]);
    census_free(&seen.before);
    census_free(&seen.after);
    free(folder);
    return 0;
}
