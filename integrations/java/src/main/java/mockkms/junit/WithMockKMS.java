package mockkms.junit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/** Gives the tests of a class, or one test, a parameter {@link MockKMS}. On a test it replaces that of the class. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(MockKMSExtension.class)
public @interface WithMockKMS {
    /** Worlds in YAML, loaded over the server's (docs/worlds.md). */
    String[] world() default {};

    /** Whether a request to a path that is not emulated fails the test. */
    boolean strict() default true;
}
