/*
 * summary_markdown: what a merge request needs to be shown: what was run on what, per experiment the primary metric with its
 * verdicts, and what was thrown out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "judge.h"
#include "summary_parts.h"
#include "table.h"

/* In a table a bar would end the cell. */
static void print_cell(FILE *out, const char *text)
{
    fputs("| ", out);
    for (; *text; text++)
        fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
    fputc(' ', out);
}

static void print_row(FILE *out, char *const *cells, unsigned count)
{
    for (unsigned c = 0; c < count; c++)
        print_cell(out, cells[c]);
    fputs("|\n", out);
}

static void print_table(FILE *out, const struct table *table)
{
    for (unsigned c = 0; c < table->columns; c++)
        print_cell(out, *table->heading[c] ? table->heading[c] : "verdict");
    fputs("|\n", out);
    for (unsigned c = 0; c < table->columns; c++)
        fputs(table->left[c] ? "|---" : "|---:", out);
    fputs("|\n", out);
    for (unsigned r = 0; r < table->rows; r++)
        print_row(out, table->cells + (size_t)r * table->columns, table->columns);
    fputc('\n', out);
}

static void print_experiment(FILE *out, const struct summary *summary, unsigned index)
{
    const struct experiment *experiment = &summary->results->plan.experiments[index];
    char *setting = experiment_setting(experiment, NULL);
    struct table table;
    struct names remarks;
    fprintf(out, "### %u. %s\n\n%s%s\n\n", index + 1, experiment->title, setting,
            experiment->emulated ? ", blocked-worker emulation" : "");
    free(setting);
    table_make(&table, summary, index, TABLE_PRIMARY);
    if (table.rows)
        print_table(out, &table);
    else
        fputs("No cell of it was run.\n\n", out);
    table_free(&table);
    table_remarks(summary, index, &remarks);
    for (size_t i = 0; i < remarks.count; i++)
        fprintf(out, "- %s\n", remarks.items[i]);
    if (remarks.count)
        fputc('\n', out);
    names_free(&remarks);
}

static const char *text_in(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "not recorded";
}

static void print_machine(FILE *out, const struct results *results)
{
    char *path = text_print("%s/machine-before.json", results->folder);
    json_t *machine = json_load_file(path, 0, NULL), *cpu = json_object_get(machine, "cpu");
    free(path);
    results_clean(machine);
    double online = json_number_at(cpu, "online", NULL, 0);
    fprintf(out, "Machine: %s", text_in(cpu, "model"));
    if (online > 0)
        fprintf(out, ", %.0f CPU%s", online, online > 1 ? "s" : "");
    fprintf(out, ", %s; %s.\n", text_in(machine, "kernel"), text_in(results->run, "placement_text"));
    json_decref(machine);
}

/* Blocks thrown out, each with its reason; rejected.csv has the single runs that were made again, too. */
static void print_rejected(FILE *out, const struct summary *summary)
{
    const struct results *results = summary->results;
    if (!summary->rejected) {
        fputs("No block was rejected.\n", out);
        return;
    }
    fprintf(out, "Rejected: %u of %u blocks (", summary->rejected, results->block_count);
    for (unsigned i = 0, told = 0; i < results->block_count; i++) {
        const struct block_record *block = &results->blocks[i];
        if (!block->accepted)
            fprintf(out, "%sblock %u: %s", told++ ? "; " : "", block->number, block->reason ? block->reason : "no reason recorded");
    }
    fputs(").\n", out);
}

static void print_page(FILE *out, const struct summary *summary)
{
    const struct results *results = summary->results;
    char *basis = basis_text(summary);
    fprintf(out, "## %s\n\nclusterbench, plan %s, %u block%s, seed %llu, %s%s.\n", results->plan.title, results->plan.name,
            summary->block_count, summary->block_count == 1 ? "" : "s", (unsigned long long)results->seed,
            text_in(results->run, "started"), results->complete ? "" : "; interrupted: only what was measured is shown");
    print_machine(out, results);
    print_rejected(out, summary);
    fprintf(out, "%s\n\n", basis);
    free(basis);
    for (unsigned e = 0; e < results->plan.count; e++)
        print_experiment(out, summary, e);
}

int summary_write_markdown(const struct summary *summary)
{
    char *path = text_print("%s/summary.md", summary->results->folder);
    struct file_draft draft;
    int result = file_draft(&draft, path);
    free(path);
    if (result < 0)
        return result;
    print_page(draft.out, summary);
    return file_commit(&draft);
}
