package dev.tandem.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ResourceScopeTest {
  private final List<String> closed = new ArrayList<>();

  private AutoCloseable resource(String name) {
    return () -> closed.add(name);
  }

  private AutoCloseable failing(String name, Exception failure) {
    return () -> {
      closed.add(name);
      throw failure;
    };
  }

  @Test
  void closesTheLastOneFirstAndOnce() {
    ResourceScope scope = new ResourceScope();
    scope.add(resource("a"));
    scope.add(resource("b"));
    scope.close();
    scope.close();
    assertThat(closed).containsExactly("b", "a");
  }

  @Test
  void afterSuccessNothingIsClosed() {
    ResourceScope later;
    try (ResourceScope scope = new ResourceScope()) {
      scope.add(resource("a"));
      later = scope.handOver();
    }
    assertThat(closed).isEmpty();
    later.succeeded();
    later.close();
    assertThat(closed).isEmpty();
  }

  @Test
  void closesAllAndThrowsTheFirstFailureWithTheOthers() {
    IllegalStateException last = new IllegalStateException("c");
    IOException first = new IOException("a");
    ResourceScope scope = new ResourceScope();
    scope.add(failing("a", first));
    scope.add(resource("b"));
    scope.add(failing("c", last));
    assertThatThrownBy(scope::close).isSameAs(last);
    assertThat(closed).containsExactly("c", "b", "a");
    assertThat(last.getSuppressed())
        .singleElement()
        .isInstanceOf(UncheckedIOException.class)
        .satisfies(each -> assertThat(each).hasCause(first));
  }

  @Test
  void aFailureBeforeKeepsWhatFailsWhileClosing() {
    IOException failure = new IOException("opening");
    IllegalStateException whileClosing = new IllegalStateException("closing");
    ResourceScope scope = new ResourceScope();
    scope.add(failing("a", whileClosing));
    scope.closeAfter(failure);
    assertThat(failure.getSuppressed()).containsExactly(whileClosing);
  }
}
