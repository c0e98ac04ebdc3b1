/* The header is C, too. */
#include <tandem.h>

int32_t threads_of(const td_engine* engine) { return td_engine_threads(engine); }
