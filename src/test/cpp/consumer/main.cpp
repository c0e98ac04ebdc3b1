#include <tandem.h>

#include <cstdio>
#include <cstring>

extern "C" int32_t threads_of(const td_engine* engine);

int main() {
  td_engine* engine = nullptr;
  if (td_engine_open(2, "scalar", &engine) != TD_OK) {
    std::printf("%s\n", td_last_error());
    return 1;
  }
  const bool ok = threads_of(engine) == 2 && std::strcmp(td_engine_isa(engine), "scalar") == 0;
  const bool refused = td_stage_close(nullptr) == TD_INVALID && *td_last_error() != '\0';
  return td_engine_close(engine) == TD_OK && ok && refused ? 0 : 1;
}
