/* being written */
#include "cluster/strategy.h"
int main(void)
{
    return 1;
}
