/** Programs that use Tandem as a library. */
module dev.tandem.examples {
  requires dev.tandem;
}
