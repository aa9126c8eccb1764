#include <doctest/doctest.h>

#include "tests/harness/program.h"

using namespace kintsugi;

TEST_CASE("gradcheck: small networks agree with differences, a row for every parameter") {
  const ProgramRun discriminator = run_program("gradcheck discriminator");
  CHECK_MESSAGE(discriminator.exit_code == 0, discriminator.output);
  CHECK(discriminator.output.find("main.8.bias") != std::string::npos);
  CHECK(discriminator.output.find("discriminator: 11 tensors, worst relative error") != std::string::npos);
  const ProgramRun vgg = run_program("gradcheck vgg --seed 2");
  CHECK_MESSAGE(vgg.exit_code == 0, vgg.output);
}

TEST_CASE("gradcheck: an unknown model or size is an error of the caller") {
  const ProgramRun model = run_program("gradcheck lenet"), size = run_program("gradcheck vgg --size huge");
  CHECK(model.exit_code == 2);
  CHECK(model.output.find("got lenet") != std::string::npos);
  CHECK(size.exit_code == 2);
}
