package sofa.interop;

import com.alipay.sofa.rpc.client.LoadBalancer;
import com.alipay.sofa.rpc.client.ProviderHelper;
import com.alipay.sofa.rpc.client.ProviderInfo;
import com.alipay.sofa.rpc.client.ProviderInfoAttrs;
import com.alipay.sofa.rpc.client.aft.FaultToleranceConfig;
import com.alipay.sofa.rpc.client.aft.FaultToleranceConfigManager;
import com.alipay.sofa.rpc.client.aft.InvocationStat;
import com.alipay.sofa.rpc.client.aft.InvocationStatFactory;
import com.alipay.sofa.rpc.client.aft.MeasureModel;
import com.alipay.sofa.rpc.client.aft.MeasureResult;
import com.alipay.sofa.rpc.client.aft.MeasureResultDetail;
import com.alipay.sofa.rpc.client.aft.impl.ServiceHorizontalMeasureStrategy;
import com.alipay.sofa.rpc.client.aft.impl.TimeWindowRegulator;
import com.alipay.sofa.rpc.client.lb.ConsistentHashLoadBalancer;
import com.alipay.sofa.rpc.client.lb.LocalPreferenceLoadBalancer;
import com.alipay.sofa.rpc.client.lb.RandomLoadBalancer;
import com.alipay.sofa.rpc.client.lb.RoundRobinLoadBalancer;
import com.alipay.sofa.rpc.client.lb.WeightConsistentHashLoadBalancer;
import com.alipay.sofa.rpc.client.lb.WeightRoundRobinLoadBalancer;
import com.alipay.sofa.rpc.common.SystemInfo;
import com.alipay.sofa.rpc.config.ApplicationConfig;
import com.alipay.sofa.rpc.config.ConsumerConfig;
import com.alipay.sofa.rpc.core.exception.RpcErrorType;
import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.request.SofaRequest;
import com.alipay.sofa.rpc.registry.utils.RegistryUtils;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.lang.reflect.Constructor;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * ClusterPicks FILE: what SOFARPC's own balancers pick and its fault tolerance finds for the cases of a JSON file. Prints the lines of
 * tests/interop/cluster_picks.cpp, which does the same with ours.
 */
final class ClusterPicks {
    private static final long HOUR = 3_600_000;

    public static void main(String[] args) throws Exception {
        Arguments arguments = new Arguments(args);
        JsonNode cases = new ObjectMapper().readTree(new File(arguments.words.get(0)));
        for (JsonNode one : cases.get("picks")) {
            pick(one);
        }
        for (JsonNode one : cases.get("traces")) {
            new Trace(one).run();
        }
        System.out.flush();
        System.exit(0); // the threads of the regulators live on
    }

    private static LoadBalancer balancer(String name) {
        return switch (name) {
            case "random" -> new RandomLoadBalancer(null);
            case "localPref" -> new LocalPreferenceLoadBalancer(null);
            case "roundRobin" -> new RoundRobinLoadBalancer(null);
            case "weightRoundRobin" -> new WeightRoundRobinLoadBalancer(null);
            case "consistentHash" -> new ConsistentHashLoadBalancer(null);
            case "weightConsistentHash" -> new WeightConsistentHashLoadBalancer(null);
            default -> throw new IllegalArgumentException("no balancer is called " + name);
        };
    }

    /** As a registry's URL brings it; `warm_up`: "none", "running" or "over". */
    private static ProviderInfo provider(JsonNode one) {
        String url = "bolt://" + one.get("host").asText() + ":" + one.get("port").asInt() + "?weight=" + one.get("weight").asInt();
        String warmUp = one.get("warm_up").asText();
        if (!warmUp.equals("none")) {
            long start = System.currentTimeMillis() - (warmUp.equals("over") ? 2 * HOUR : 0);
            url += "&warmupTime=" + HOUR + "&warmupWeight=" + one.get("warm_up_weight").asInt() + "&startTime=" + start;
        }
        ProviderInfo provider = ProviderHelper.toProviderInfo(url);
        RegistryUtils.processWarmUpWeight(provider);
        return provider;
    }

    private static List<ProviderInfo> providers(JsonNode list) {
        List<ProviderInfo> providers = new ArrayList<>();
        for (JsonNode one : list) {
            providers.add(provider(one));
        }
        return providers;
    }

    private static void pick(JsonNode one) {
        SystemInfo.setLocalHost(one.get("own_host").asText());
        LoadBalancer balancer = balancer(one.get("balancer").asText());
        List<ProviderInfo> providers = providers(one.get("providers"));
        StringBuilder line = new StringBuilder("picks " + one.get("name").asText());
        JsonNode calls = one.get("calls");
        for (int i = 0; i < calls.size() * one.get("rounds").asInt(); i++) {
            JsonNode call = calls.get(i % calls.size());
            SofaRequest request = new SofaRequest();
            request.setInterfaceName("com.acme.Service");
            request.setTargetAppName(call.get("app").asText());
            request.setMethodName(call.get("method").asText());
            request.setMethodArgs(call.has("argument") ? new Object[] {call.get("argument").asText()} : new Object[0]);
            line.append(' ').append(providers.indexOf(balancer.select(request, providers)));
        }
        System.out.println(line);
    }

    /** One service whose calls are counted, measured and regulated by the original's classes, a window at a time. */
    private static final class Trace {
        /** The original keeps the statistics in a set without an order; here they are measured in the order in which they came. */
        private static final class OrderedModel extends MeasureModel {
            private final Set<InvocationStat> ordered = new LinkedHashSet<>();

            OrderedModel(String app, String service) {
                super(app, service);
            }

            @Override
            public List<InvocationStat> getInvocationStats() {
                return new ArrayList<>(ordered);
            }
        }

        private final JsonNode trace;
        private final String name;
        private final List<ProviderInfo> providers;
        private final ConsumerConfig<?> consumer;
        private final OrderedModel model;
        private final ServiceHorizontalMeasureStrategy measures = new ServiceHorizontalMeasureStrategy();
        private final TimeWindowRegulator regulator = new TimeWindowRegulator();

        Trace(JsonNode trace) {
            this.trace = trace;
            name = trace.get("name").asText();
            providers = providers(trace.get("providers"));
            consumer = new ConsumerConfig<>().setInterfaceId("com.acme.Service");
            consumer.setApplication(new ApplicationConfig().setAppName(name));
            model = new OrderedModel(name, "com.acme.Service");
            FaultToleranceConfigManager.putAppConfig(name, config(trace.get("options")));
        }

        private static FaultToleranceConfig config(JsonNode options) {
            FaultToleranceConfig config = new FaultToleranceConfig();
            config.setRegulationEffective(true);
            config.setDegradeEffective(options.get("degrade_effective").asBoolean());
            config.setLeastWindowCount(options.get("least_window_count").asLong());
            config.setLeastWindowExceptionRateMultiple(options.get("multiple").asDouble());
            config.setWeightDegradeRate(options.get("degrade_rate").asDouble());
            config.setWeightRecoverRate(options.get("recover_rate").asDouble());
            config.setDegradeLeastWeight(options.get("degrade_least_weight").asInt());
            config.setDegradeMaxIpCount(options.get("degrade_max_ip_count").asInt());
            return config;
        }

        void run() throws Exception {
            InvocationStatFactory.destroy();
            InvocationStatFactory.addListener(new InvocationStatFactory.InvocationStatListener() {
                @Override
                public void onAddInvocationStat(InvocationStat stat) {
                    model.ordered.add(stat);
                }

                @Override
                public void onRemoveInvocationStat(InvocationStat stat) {
                    model.ordered.remove(stat);
                }
            });
            regulator.init();
            for (int window = 0; window < trace.get("windows").size(); window++) {
                endWarmUps(window);
                count(trace.get("windows").get(window));
                MeasureResult result = measures.measure(model);
                StringBuilder found = new StringBuilder();
                for (MeasureResultDetail detail : result.getAllMeasureResultDetails()) {
                    found.append(' ').append(describe(detail));
                }
                regulate(result);
                System.out.println("trace " + name + " " + window + found + " |" + weights());
            }
        }

        private void endWarmUps(int window) {
            for (int i = 0; i < providers.size(); i++) {
                if (trace.get("providers").get(i).get("warm_until").asInt() == window) {
                    providers.get(i).setDynamicAttr(ProviderInfoAttrs.ATTR_WARM_UP_END_TIME, 1L);
                }
            }
        }

        /** For each provider: calls that end well, time out, meet a busy server, or fail otherwise. */
        private void count(JsonNode window) {
            RuntimeException[] ends = {null, new SofaRpcException(RpcErrorType.CLIENT_TIMEOUT, "timeout"),
                    new SofaRpcException(RpcErrorType.SERVER_BUSY, "busy"), new SofaRpcException(RpcErrorType.SERVER_BIZ, "business")};
            for (int i = 0; i < providers.size(); i++) {
                for (int end = 0; end < ends.length; end++) {
                    for (int n = window.get(i).get(end).asInt(); n > 0; n--) {
                        InvocationStat stat = InvocationStatFactory.getInvocationStat(consumer, providers.get(i));
                        stat.invoke();
                        if (ends[end] != null) {
                            stat.catchException(ends[end]);
                        }
                    }
                }
            }
        }

        /** What the regulator does with a result, on this thread. */
        private void regulate(MeasureResult result) throws Exception {
            Class<?> task = Class.forName(TimeWindowRegulator.class.getName() + "$RegulationRunnable");
            Constructor<?> made = task.getDeclaredConstructor(TimeWindowRegulator.class, MeasureResult.class);
            made.setAccessible(true);
            ((Runnable) made.newInstance(regulator, result)).run();
        }

        private String describe(MeasureResultDetail detail) {
            int index = providers.indexOf(detail.getInvocationStatDimension().getProviderInfo());
            return index + ":" + detail.getMeasureState().name().toLowerCase() + ":" + detail.getWindowCount() + ":"
                    + Math.round(detail.getAbnormalRate() * 100) + ":" + Math.round(detail.getAverageAbnormalRate() * 100);
        }

        private String weights() {
            StringBuilder weights = new StringBuilder();
            for (ProviderInfo provider : providers) {
                weights.append(' ').append(provider.getWeight());
            }
            return weights.toString();
        }
    }
}
