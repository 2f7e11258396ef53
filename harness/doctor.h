/* `clusterbench doctor`: what is missing, what makes this machine noisy, and what to do about it. */
#ifndef HARNESS_DOCTOR_H
#define HARNESS_DOCTOR_H

#include "process.h"

/* Prints one line a check, with the remedy under what is not well. Always the exit status 0: it informs. */
int doctor_examine(struct custody *custody, const char *programs);

/* 'A' (quiet) to 'D': doctor.c says how. */
char doctor_grade(unsigned noisy, unsigned spoiling);

#endif
