package mockkms.junit;

import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;

/** Runs one server for all tests, and creates and drops the world of each. Used by {@link WithMockKMS}. */
final class MockKMSExtension implements BeforeEachCallback, AfterEachCallback, ParameterResolver {
    private static final Namespace NAMESPACE = Namespace.create(MockKMSExtension.class);

    @Override
    public void beforeEach(ExtensionContext context) { created(context); }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        // Constructors and @BeforeAll run before there is a test.
        return parameter.getParameter().getType() == MockKMS.class && context.getTestMethod().isPresent();
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) { return created(context); }

    @Override
    public void afterEach(ExtensionContext context) {
        MockKMS kms = context.getStore(NAMESPACE).remove(MockKMS.class, MockKMS.class);
        if (kms == null) {
            return;
        }
        try {
            context.getExecutionException().ifPresent(failure ->
                System.err.println("mockkms: requests of " + context.getDisplayName() + ":\n" + kms.table()));
            if (annotation(context).strict()) {
                kms.assertNoUnhandled();
            }
        } finally {
            kms.drop.run();
        }
    }

    private static MockKMS created(ExtensionContext context) {
        return context.getStore(NAMESPACE).getOrComputeIfAbsent(MockKMS.class, key -> {
            String flags = context.getConfigurationParameter("mockkms.flags").orElse("");
            Server server = context.getRoot().getStore(NAMESPACE)
                .getOrComputeIfAbsent(Server.class, absent -> Server.connect(flags), Server.class);
            String id = "java-" + UUID.randomUUID();
            MockKMS root = new MockKMS(server.url(), server.caFile(), () -> {});
            root.control("POST", "tenants/" + id, Map.of());
            Runnable drop = () -> root.send("DELETE", "tenants/" + id, null);
            MockKMS kms = new MockKMS(server.url() + "/t/" + id, server.caFile(), drop);
            kms.load(annotation(context).world());
            return kms;
        }, MockKMS.class);
    }

    private static WithMockKMS annotation(ExtensionContext context) {
        // Of the test, its class, or a class around that.
        return AnnotationSupport.findAnnotation(context.getElement(), WithMockKMS.class)
            .orElseGet(() -> annotation(context.getParent().orElseThrow()));
    }
}
