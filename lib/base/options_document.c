/*
 * What is made from option tables besides a parser: --help, a manual page in man(7), completion for bash.
 *
 * All three walk the same rows; they differ in how they set the text. Prose comes as paragraphs parted by empty lines and is
 * filled up to the width by print_words or by roff; lines that begin with a blank are left as they are.
 */
#include "base/options_document.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#define HELP_WIDTH       100
#define HELP_INDENT_MOST 34 /* longer left columns push their help to the next line */
#define NOTE_SIZE        (2 * OPTION_ALLOWED_SIZE)
#define ROFF_WIDTH       70   /* of the source; escapes make it longer */
#define GLUE             '\t' /* a blank at which no line is broken */

/* ---- words about a row ---- */

/* Appends one remark: "(1..256", "; default 1". */
static __attribute__((format(printf, 2, 3))) void remark(char note[NOTE_SIZE], const char *format, ...)
{
    size_t length = strlen(note);
    va_list arguments;

    if (length + 3 > NOTE_SIZE)
        return;
    strcpy(note + length, length == 0 ? "(" : "; ");
    length = strlen(note);
    va_start(arguments, format);
    vsnprintf(note + length, NOTE_SIZE - length, format, arguments);
    va_end(arguments);
}

/* "(1..256; default 1)", or nothing */
static void describe_note(const struct option_spec *spec, char note[NOTE_SIZE])
{
    char buffer[OPTION_ALLOWED_SIZE];
    const char *allowed = options_allowed(spec, buffer);

    note[0] = '\0';
    if (allowed[0] != '\0')
        remark(note, "%s", allowed);
    if (spec->fallback != NULL && spec->type != OPTION_LIST)
        remark(note, "default%c%s", GLUE, spec->fallback);
    if (spec->also != 0)
        remark(note, "also%c-%c", GLUE, spec->also);
    if (spec->type == OPTION_ALIAS && spec->value != NULL)
        remark(note, "the same as --%s%c%s", spec->alias, GLUE, spec->value);
    else if (spec->type == OPTION_ALIAS)
        remark(note, "the same as --%s", spec->alias);
    if (note[0] != '\0' && strlen(note) + 1 < NOTE_SIZE)
        strcat(note, ")");
}

/* The name of its value in --help, or NULL when it takes none. */
static const char *argument_of(const struct option_spec *spec)
{
    if (spec->type == OPTION_FLAG || (spec->type == OPTION_ALIAS && spec->value != NULL))
        return NULL;
    return spec->argument != NULL ? spec->argument : "VALUE";
}

/* The row's letter, unless another row has taken it. */
static char letter_of(const struct option_program *program, const struct option_spec *spec)
{
    struct option_found holder;

    return spec->letter != 0 && options_find_letter(program, spec->letter, &holder) && holder.spec == spec ? spec->letter : 0;
}

/* Tells where a group of rows begins, with its heading. */
static bool begins_group(const struct option_spec *spec, const char **group)
{
    if (spec->group == NULL && *group != NULL)
        return false;
    *group = spec->group != NULL ? spec->group : "Options";
    return true;
}

/* ---- --help ---- */

static size_t left_column(const struct option_program *program, const struct option_spec *spec, char *text, size_t size)
{
    char letter[8] = "    ";
    const char *argument = argument_of(spec);
    int length;

    if (letter_of(program, spec) != 0)
        snprintf(letter, sizeof(letter), "-%c, ", spec->letter);
    length =
        snprintf(text, size, "  %s--%s%s%s", letter, spec->name, argument != NULL ? " " : "", argument != NULL ? argument : "");
    return (size_t)length;
}

static size_t help_indent(const struct option_program *program)
{
    struct option_cursor cursor = {0};
    struct option_found row;
    char text[HELP_WIDTH];
    size_t indent = 0;

    while (options_next_row(program, &cursor, &row)) {
        size_t length = left_column(program, row.spec, text, sizeof(text)) + 2;

        if (length > indent && length <= HELP_INDENT_MOST)
            indent = length;
    }
    return indent;
}

static size_t print_word(FILE *out, const char *word, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        fputc(word[i] == GLUE ? ' ' : word[i], out);
    return length;
}

/* Prints words, beginning a new line at `indent` where one would pass the right edge or a newline says so; what follows a newline
 * is an item, whose further lines stand a little to the right. Returns the column it ended in. */
static size_t print_words(FILE *out, const char *words, size_t indent, size_t column)
{
    size_t hang = 0;

    while (*words != '\0') {
        size_t length = strcspn(words, " \n");

        if (column > indent && column + 1 + length > HELP_WIDTH) {
            fprintf(out, "\n%*s", (int)(indent + hang), "");
            column = indent + hang;
        } else if (column > indent && length > 0) {
            fputc(' ', out);
            column++;
        }
        column += print_word(out, words, length);
        words += length;
        if (*words == '\n') {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            hang = 2;
            words++;
        }
        words += strspn(words, " ");
    }
    return column;
}

static void print_option(FILE *out, const struct option_program *program, const struct option_spec *spec, size_t indent)
{
    char left[HELP_WIDTH], note[NOTE_SIZE];
    const char *help = spec->help != NULL ? spec->help : "";
    size_t column = left_column(program, spec, left, sizeof(left));

    describe_note(spec, note);
    fputs(left, out);
    if (column + 2 > indent) {
        fputc('\n', out);
        column = 0;
    }
    fprintf(out, "%*s", (int)(indent - column), "");
    column = print_words(out, help, indent, indent);
    if (note[0] != '\0' && strchr(help, '\n') != NULL)
        column = print_words(out, "\n", indent, column);
    print_words(out, note, indent, column);
    fputc('\n', out);
}

/* The length of a line that stands as it is, of an empty one, or of a paragraph up to the next of those. */
static size_t block_length(const char *text)
{
    const char *end = text + strcspn(text, "\n");

    if (*text != ' ' && *text != '\n')
        while (end[0] != '\0' && end[1] != '\0' && end[1] != '\n' && end[1] != ' ')
            end += 1 + strcspn(end + 1, "\n");
    return (size_t)(end - text);
}

/* Fills a paragraph up to the width: its own line ends count as blanks. */
static void print_paragraph(FILE *out, const char *text, size_t length)
{
    size_t column = 0, done = 0;

    while (done < length) {
        size_t word = strcspn(text + done, " \n");

        word = word < length - done ? word : length - done;
        if (column > 0)
            fputc(column + 1 + word > HELP_WIDTH ? '\n' : ' ', out);
        column = column + 1 + word > HELP_WIDTH || column == 0 ? word : column + 1 + word;
        print_word(out, text + done, word);
        done += word;
        done += strspn(text + done, " \n");
    }
    fputc('\n', out);
}

static void print_section(FILE *out, const struct option_section *section)
{
    const char *text = section->text;

    fprintf(out, "\n%s:\n", section->title);
    while (*text != '\0') {
        size_t length = block_length(text);

        if (*text == ' ')
            fprintf(out, "%.*s\n", (int)length, text);
        else if (length > 0)
            print_paragraph(out, text, length);
        else
            fputc('\n', out);
        text += length;
        text += *text == '\n';
    }
}

void options_print_help(const struct option_program *program, FILE *out)
{
    size_t indent = help_indent(program);
    struct option_cursor cursor = {0};
    struct option_found row;
    const char *group = NULL;
    const struct option_section *section;

    fprintf(out, "%s\n\nusage: %s %s\n", program->summary, program->name, program->usage);
    while (options_next_row(program, &cursor, &row)) {
        if (begins_group(row.spec, &group))
            fprintf(out, "\n%s:\n", group);
        print_option(out, program, row.spec, indent);
    }
    for (section = program->manual; section != NULL && section->title != NULL; section++)
        if (section->in_help)
            print_section(out, section);
    if (program->epilogue != NULL)
        fprintf(out, "\n%s\n", program->epilogue);
}

/* ---- the manual page ---- */

/* The characters roff would take for something else (groff_char(7)). */
static const char *roff_character(char c)
{
    switch (c) {
    case '\\':
        return "\\(rs";
    case '-':
        return "\\-";
    case '\'':
        return "\\(aq";
    case '`':
        return "\\(ga";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    case '"':
        return "\\(dq";
    case GLUE:
        return "\\ ";
    default:
        return NULL;
    }
}

/* Lines are broken where they pass ROFF_WIDTH if `filled`, and stand as they are otherwise. */
static void print_roff(FILE *out, const char *text, size_t length, bool filled)
{
    size_t i, column = 0;

    for (i = 0; i < length; i++) {
        const char *escape = roff_character(text[i]);
        size_t word = text[i] == ' ' ? 1 + strcspn(text + i + 1, " \n") : 0;
        bool breaks = text[i] == '\n' || (filled && text[i] == ' ' && column + word > ROFF_WIDTH);

        if (column == 0 && text[i] == '.') /* else it would be a request */
            fputs("\\&", out);
        if (breaks)
            fputc('\n', out);
        else if (escape != NULL)
            fputs(escape, out);
        else
            fputc(text[i], out);
        column = breaks ? 0 : column + (escape != NULL ? strlen(escape) : 1);
    }
}

static void print_roff_text(FILE *out, const char *text)
{
    print_roff(out, text, strlen(text), true);
}

static void print_capitals(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        fputc(toupper((unsigned char)*text), out);
}

/* A row's help: its lines one below the other, then the note. */
static void print_roff_help(FILE *out, const struct option_spec *spec)
{
    char note[NOTE_SIZE];
    const char *help = spec->help != NULL ? spec->help : "";

    while (*help != '\0') {
        size_t length = strcspn(help, "\n");

        print_roff(out, help, length, true);
        fputs(help[length] == '\n' ? "\n.br\n" : "\n", out);
        help += length + (help[length] == '\n');
    }
    describe_note(spec, note);
    print_roff_text(out, note);
    fputs(note[0] != '\0' ? "\n" : "", out);
}

static void print_roff_option(FILE *out, const struct option_program *program, const struct option_spec *spec)
{
    const char *argument = argument_of(spec);

    fputs(".TP\n", out);
    if (letter_of(program, spec) != 0)
        fprintf(out, "\\fB\\-%c\\fR, ", spec->letter);
    if (spec->also != 0)
        fprintf(out, "\\fB\\-%c\\fR, ", spec->also);
    fputs("\\fB\\-\\-", out);
    print_roff_text(out, spec->name);
    fputs("\\fR", out);
    if (argument != NULL) {
        fputs(" \\fI", out);
        print_roff_text(out, argument);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    print_roff_help(out, spec);
}

static void print_roff_options(FILE *out, const struct option_program *program)
{
    struct option_cursor cursor = {0};
    struct option_found row;
    const char *group = NULL;

    fputs(".SH OPTIONS\n", out);
    while (options_next_row(program, &cursor, &row)) {
        if (begins_group(row.spec, &group))
            fprintf(out, ".SS %s\n", group);
        print_roff_option(out, program, row.spec);
    }
}

/* Prose as paragraphs; runs of lines that begin with a blank as they are. */
static void print_roff_prose(FILE *out, const char *text)
{
    bool literal = false, parted = false, first = true;

    while (*text != '\0') {
        size_t length = block_length(text);
        bool is_literal = *text == ' ';

        if (literal && !is_literal)
            fputs(".fi\n", out);
        if (!literal && is_literal)
            fputs(first ? ".nf\n" : ".PP\n.nf\n", out);
        if (!is_literal && length > 0 && (literal || parted))
            fputs(".PP\n", out);
        if (length > 0) {
            print_roff(out, text, length, !is_literal);
            fputc('\n', out);
        }
        parted = length == 0;
        literal = is_literal;
        first = false;
        text += length;
        text += *text == '\n';
    }
    fputs(literal ? ".fi\n" : "", out);
}

/* "loadgen puts load ..." and "Puts load ...": what a NAME line says behind the dash. */
static const char *what_it_does(const struct option_program *program)
{
    size_t length = strlen(program->name);
    const char *summary = program->summary;

    if (strncmp(summary, program->name, length) == 0 && (summary[length] == ' ' || summary[length] == ':'))
        summary += length + 1;
    return summary + strspn(summary, " ");
}

static void print_roff_name(FILE *out, const struct option_program *program)
{
    const char *does = what_it_does(program);
    size_t length = strlen(does);

    fputs(".SH NAME\n", out);
    print_roff_text(out, program->name);
    fputs(" \\- ", out);
    print_roff(out, does, length > 0 && does[length - 1] == '.' ? length - 1 : length, false);
    fputs("\n.SH SYNOPSIS\n\\fB", out);
    print_roff_text(out, program->name);
    fputs("\\fR ", out);
    print_roff_text(out, program->usage);
    fputc('\n', out);
}

static void print_roff_section(FILE *out, const struct option_section *section)
{
    fputs(".SH ", out);
    print_capitals(out, section->title);
    fputc('\n', out);
    print_roff_prose(out, section->text);
}

/* The epilogue is laid out by hand: it stands as it is. */
static void print_roff_epilogue(FILE *out, const char *epilogue)
{
    fputs(".SH NOTES\n.nf\n", out);
    print_roff(out, epilogue, strlen(epilogue), false);
    fputs("\n.fi\n", out);
}

/* A section titled "Description" stands before the options, all others behind them. No date: the same program, the same page. */
void options_print_man(const struct option_program *program, FILE *out)
{
    const struct option_section *section;

    fputs(".TH ", out);
    print_capitals(out, program->name);
    fputs(" 1 \"\" \"", out);
    print_roff_text(out, program->version);
    fputs("\" \"User Commands\"\n.nh\n.ad l\n", out);
    print_roff_name(out, program);
    for (section = program->manual; section != NULL && section->title != NULL; section++)
        if (strcmp(section->title, "Description") == 0)
            print_roff_section(out, section);
    print_roff_options(out, program);
    for (section = program->manual; section != NULL && section->title != NULL; section++)
        if (strcmp(section->title, "Description") != 0)
            print_roff_section(out, section);
    if (program->epilogue != NULL)
        print_roff_epilogue(out, program->epilogue);
}

/* ---- completion ---- */

/* The program's name as part of a function's. */
static void print_identifier(FILE *out, const char *name)
{
    for (; *name != '\0'; name++)
        fputc(isalnum((unsigned char)*name) ? *name : '_', out);
}

/* "-c|--connections)": the names of all rows that stand for this one, as a pattern of case. */
static void print_pattern(FILE *out, const struct option_program *program, const struct option_spec *spec)
{
    struct option_cursor cursor = {0};
    struct option_found row;

    fputs("    ", out);
    if (letter_of(program, spec) != 0)
        fprintf(out, "-%c | ", spec->letter);
    if (spec->also != 0)
        fprintf(out, "-%c | ", spec->also);
    while (options_next_row(program, &cursor, &row))
        if (row.spec->type == OPTION_ALIAS && row.spec->value == NULL && strcmp(row.spec->alias, spec->name) == 0)
            fprintf(out, "--%s | ", row.spec->name);
    fprintf(out, "--%s) ", spec->name);
}

static void print_words_offered(FILE *out, const char *const *words)
{
    fputs("mapfile -t COMPREPLY < <(compgen -W '", out);
    for (; *words != NULL; words++)
        fprintf(out, "%s%s", *words, words[1] != NULL ? " " : "");
    fputs("' -- \"$word\")", out);
}

/* What may follow an option that takes a value: its words, files, or nothing that could be guessed. */
static void print_values(FILE *out, const struct option_program *program, const struct option_spec *spec)
{
    print_pattern(out, program, spec);
    if (spec->choices != NULL)
        print_words_offered(out, spec->choices);
    else if (spec->is_file)
        fputs("compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$word\")", out);
    else
        fputs(":", out);
    fputs("; return ;;\n", out);
}

static void print_names(FILE *out, const struct option_program *program)
{
    struct option_cursor cursor = {0};
    struct option_found row;

    fputs("    if [[ $word == -* ]]; then\n        mapfile -t COMPREPLY < <(compgen -W '", out);
    while (options_next_row(program, &cursor, &row))
        fprintf(out, "%s--%s", row.spec == program->tables[0].specs ? "" : " ", row.spec->name);
    fputs("' -- \"$word\")\n", out);
    if (program->operands != NULL) {
        fputs("    else\n        ", out);
        print_words_offered(out, program->operands);
        fputc('\n', out);
    }
    fputs("    fi\n}\n", out);
}

/* bash makes --name=VALUE three words. */
static const char completion_begin[] = "()\n"
                                       "{\n"
                                       "    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}\n"
                                       "    COMPREPLY=()\n"
                                       "    if [[ $word == = ]]; then\n"
                                       "        word=\n"
                                       "    elif [[ $option == = ]]; then\n"
                                       "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
                                       "    fi\n"
                                       "    case $option in\n";

void options_print_bash(const struct option_program *program, FILE *out)
{
    struct option_cursor cursor = {0};
    struct option_found row;

    fprintf(out, "# bash completion of %s, printed by: %s --completion bash\n_", program->name, program->name);
    print_identifier(out, program->name);
    fputs(completion_begin, out);
    while (options_next_row(program, &cursor, &row))
        if (row.spec->type != OPTION_ALIAS && argument_of(row.spec) != NULL)
            print_values(out, program, row.spec);
    fputs("    esac\n", out);
    print_names(out, program);
    fputs("complete -F _", out);
    print_identifier(out, program->name);
    fprintf(out, " %s\n", program->name);
}
