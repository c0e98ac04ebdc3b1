package dev.tandem;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.tensor.DType;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What the exported packages show: their public types mention only types of the JDK, and public
 * types of exported packages. So whoever sees a signature can name all of it.
 */
class PublicSignaturesTest {
  private static final Path SOURCES = Path.of("src", "main", "java");

  /** Each mention of a type that a user cannot name, as {@code where: type}. */
  private static Set<String> strangers(Class<?> type) {
    Set<String> found = new TreeSet<>();
    mention(found, type + " extends", type.getGenericSuperclass());
    mention(found, type + " implements", type.getGenericInterfaces());
    mention(found, type + " has parameters", type.getTypeParameters());
    for (Field field : type.getDeclaredFields()) {
      if (isVisible(field.getModifiers())) {
        mention(found, field.toString(), field.getGenericType());
      }
    }
    for (Constructor<?> constructor : type.getDeclaredConstructors()) {
      mentionAll(found, constructor);
    }
    for (Method method : type.getDeclaredMethods()) {
      if (isVisible(method.getModifiers()) && !method.isSynthetic()) {
        mention(found, method.toString(), method.getGenericReturnType());
        mentionAll(found, method);
      }
    }
    for (Class<?> nested : type.getDeclaredClasses()) {
      if (isVisible(nested.getModifiers())) {
        found.addAll(strangers(nested));
      }
    }
    return found;
  }

  private static void mentionAll(Set<String> found, Executable member) {
    if (isVisible(member.getModifiers()) && !member.isSynthetic()) {
      mention(found, member.toString(), member.getGenericParameterTypes());
      mention(found, member.toString(), member.getGenericExceptionTypes());
      mention(found, member.toString(), member.getTypeParameters());
    }
  }

  private static void mention(Set<String> found, String where, Type... types) {
    for (Type type : types) {
      for (Class<?> named : classes(type, new HashSet<>())) {
        if (!isPublic(named)) {
          found.add(where + ": " + named.getName());
        }
      }
    }
  }

  /** The classes that a type is made of. */
  private static Set<Class<?>> classes(Type type, Set<Type> seen) {
    Set<Class<?>> all = new HashSet<>();
    if (type == null || !seen.add(type)) {
      return all;
    }
    List<Type> inside = new ArrayList<>();
    if (type instanceof Class<?> plain) {
      all.add(element(plain));
    } else if (type instanceof ParameterizedType generic) {
      inside.add(generic.getRawType());
      inside.addAll(Arrays.asList(generic.getActualTypeArguments()));
    } else if (type instanceof GenericArrayType array) {
      inside.add(array.getGenericComponentType());
    } else if (type instanceof WildcardType wildcard) {
      inside.addAll(Arrays.asList(wildcard.getUpperBounds()));
      inside.addAll(Arrays.asList(wildcard.getLowerBounds()));
    } else if (type instanceof TypeVariable<?> variable) {
      inside.addAll(Arrays.asList(variable.getBounds()));
    }
    inside.forEach(each -> all.addAll(classes(each, seen)));
    return all;
  }

  private static Class<?> element(Class<?> type) {
    Class<?> element = type;
    while (element.isArray()) {
      element = element.getComponentType();
    }
    return element;
  }

  private static boolean isVisible(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }

  private static boolean isPublic(Class<?> type) {
    if (type.isPrimitive() || type.getName().startsWith("java.")) {
      return true;
    }
    for (Class<?> each = type; each != null; each = each.getEnclosingClass()) {
      if (!isVisible(each.getModifiers())) {
        return false;
      }
    }
    return ModuleExports.packages().contains(type.getPackageName());
  }

  private static List<Class<?>> exportedTypes() throws IOException, ClassNotFoundException {
    List<Class<?>> types = new ArrayList<>();
    for (String name : ModuleExports.packages()) {
      try (Stream<Path> files = Files.list(SOURCES.resolve(name.replace('.', '/')))) {
        for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
          String simple = file.getFileName().toString().replace(".java", "");
          if (!simple.equals("package-info")) {
            types.add(Class.forName(name + "." + simple));
          }
        }
      }
    }
    types.removeIf(type -> !Modifier.isPublic(type.getModifiers()));
    return types;
  }

  @Test
  void signaturesMentionOnlyWhatAUserCanName() throws Exception {
    List<Class<?>> types = exportedTypes();
    assertThat(types).hasSizeGreaterThan(40);
    Set<String> found = new TreeSet<>();
    types.forEach(type -> found.addAll(strangers(type)));
    assertThat(found).isEmpty();
  }

  /** Mentions an internal type in every way. */
  protected abstract static class Bad<T extends Supplier<DType>> implements Supplier<DType[]> {
    public final Optional<DType> field = Optional.empty();

    protected Bad(List<? extends DType> parameter) {}

    public abstract Map<String, DType> result();

    public abstract <E extends Comparable<DType>> void parameter(E value);

    /** A nested type counts too. */
    public record Nested(DType component) {}

    DType hidden() {
      return DType.F32;
    }
  }

  @Test
  void eachKindOfMentionIsSeen() {
    assertThat(strangers(Bad.class))
        .allMatch(line -> line.endsWith(": " + DType.class.getName()))
        .anyMatch(line -> line.contains("implements"))
        .anyMatch(line -> line.contains("has parameters"))
        .anyMatch(line -> line.contains(".field"))
        .anyMatch(line -> line.contains("Bad(java.util.List)"))
        .anyMatch(line -> line.contains(".result()"))
        .anyMatch(line -> line.contains(".parameter("))
        .anyMatch(line -> line.contains("Nested(" + DType.class.getName() + ")"))
        .noneMatch(line -> line.contains("hidden"));
  }
}
