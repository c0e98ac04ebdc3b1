package dev.tandem.model;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;

/** Copies of a config with another value in one field. */
public final class ConfigChange {
  private ConfigChange() {}

  /**
   * The copy.
   *
   * @param field a component of {@link ModelConfig}
   */
  public static ModelConfig with(ModelConfig config, String field, Object value) {
    List<Class<?>> types = new ArrayList<>();
    List<Object> values = new ArrayList<>();
    boolean found = false;
    try {
      for (RecordComponent component : ModelConfig.class.getRecordComponents()) {
        boolean changed = component.getName().equals(field);
        found |= changed;
        types.add(component.getType());
        values.add(changed ? value : component.getAccessor().invoke(config));
      }
      if (!found) {
        throw new IllegalArgumentException("ModelConfig has no " + field);
      }
      return ModelConfig.class
          .getDeclaredConstructor(types.toArray(Class<?>[]::new))
          .newInstance(values.toArray());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
