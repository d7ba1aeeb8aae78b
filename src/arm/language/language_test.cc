#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arm/json_reader.h"
#include "arm/language/date_time.h"
#include "arm/language/evaluator.h"
#include "arm/language/values.h"

namespace passerelle::arm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A template under evaluation, with what went wrong.
class Language : public testing::Test {
 protected:
  // Reads and deploys a template; the value of its variable "out", as JSON, or the first problem.
  std::string out(const std::string& text,
                  const std::vector<std::pair<std::string, std::string>>& given = {}) {
    deploy(text, given);
    asked_ = make_text("[variables('out')]");
    bind(asked_, deployment_->scope);
    return shown_value(&asked_);
  }
  // The same for one expression, without its brackets.
  std::string eval(const std::string& expression) {
    JsonValue quoted = make_text("[" + expression + "]");
    return out(R"({ "variables": { "out": )" + to_json(quoted) + " } }");
  }

  void deploy(const std::string& text, const std::vector<std::pair<std::string, std::string>>& given = {}) {
    problems_.emplace(std::vector<std::string>{"t.json"});
    evaluator_.emplace(answers_, *problems_);
    auto root = read_json(text, 0, *problems_);
    ASSERT_TRUE(root) << text;
    document_ = std::move(*root);
    deployment_ = &evaluator_->deploy(document_, "main", place_);
    wrappers_.clear();
    for (const auto& [name, json] : given) {
      auto value = read_json(json, 0, *problems_);
      ASSERT_TRUE(value);
      wrappers_.push_back(std::move(*value));
      deployment_->given[name] = &wrappers_.back();
    }
  }
  std::string shown_value(const JsonValue* raw) {
    const JsonValue* value = raw != nullptr ? evaluator_->resolve_all(*raw) : nullptr;
    if (value != nullptr) return to_json(*value);
    const Problems problems = problems_->take();
    return problems.empty() ? "nothing, and nothing was said" : "! " + problems.front().message;
  }

  NamedEntries<JsonValue> answers_;
  DeploymentScope place_;
  std::optional<ProblemList> problems_;
  std::optional<Evaluator> evaluator_;
  JsonValue document_, asked_;
  std::deque<JsonValue> wrappers_;
  Deployment* deployment_ = nullptr;
};

struct Case {
  std::string expression, value;
};

void PrintTo(const Case& each, std::ostream* stream) { *stream << each.expression; }

class Functions : public Language, public testing::WithParamInterface<Case> {};

TEST_P(Functions, YieldWhatAzureDocuments) { EXPECT_EQ(eval(GetParam().expression), GetParam().value); }

INSTANTIATE_TEST_SUITE_P(
    Text, Functions,
    testing::Values(
        Case{"'it''s'", "\"it's\""}, Case{"base64('one')", "\"b25l\""},
        Case{"base64ToString('b25l')", "\"one\""}, Case{"base64ToJson(base64('{\"a\":1}')).a", "1"},
        Case{"concat('a', 1, true())", "\"a1True\""},
        Case{"concat(createArray(1), createArray(2, 3))", "[1,2,3]"}, Case{"endsWith('abCd', 'CD')", "true"},
        Case{"startsWith('abcd', 'AB')", "true"},
        Case{"format('{0}-{1:D3}-{2,4}|{{}}', 'a', 7, 'b')", "\"a-007-   b|{}\""},
        Case{"format('{0:N0}', 8175133)", "\"8,175,133\""}, Case{"indexOf('abcB', 'B')", "1"},
        Case{"indexOf('abc', 'z')", "-1"}, Case{"lastIndexOf('abcb', 'B')", "3"},
        Case{"indexOf(createArray('a', 'b'), 'b')", "1"}, Case{"join(createArray('a', 'b'), ',')", "\"a,b\""},
        Case{"padLeft('123', 5, '0')", "\"00123\""}, Case{"replace('123-123', '-', '')", "\"123123\""},
        Case{"split('one;two,three', createArray(',', ';'))", R"(["one","two","three"])"},
        Case{"split('a--b', '-')", R"(["a","","b"])"}, Case{"substring('one two', 4)", "\"two\""},
        Case{"substring('one two', 4, 1)", "\"t\""}, Case{"toLower('ABC')", "\"abc\""},
        Case{"toUpper('abc')", "\"ABC\""}, Case{"trim('  a b ')", "\"a b\""},
        Case{"uriComponent('a b/c')", "\"a%20b%2Fc\""},
        Case{"uriComponentToString('a%20b%2Fc')", "\"a b/c\""},
        Case{"uri('http://x.com/resources/azuredeploy.json', 'n/s.sh')", "\"http://x.com/resources/n/s.sh\""},
        Case{"uri('http://x.com/resources/', 'n/s.sh')", "\"http://x.com/resources/n/s.sh\""},
        Case{"dataUriToString(dataUri('Hello'))", "\"Hello\""},
        Case{"string(createArray('a', 1))", R"("[\"a\",1]")"}, Case{"string(5)", "\"5\""},
        Case{"length(uniqueString('a', 'b'))", "13"},
        Case{"equals(uniqueString('a'), uniqueString('a'))", "true"},
        Case{"equals(uniqueString('a'), uniqueString('b'))", "false"}, Case{"length(guid('a'))", "36"},
        Case{"json('{\"a\":[1,null]}').a[0]", "1"}, Case{"json('null')", "null"},
        Case{"json('true')", "true"}, Case{"first('One')", "\"O\""}, Case{"last('One')", "\"e\""},
        Case{"take('abc', 2)", "\"ab\""}, Case{"skip('abc', 2)", "\"c\""}, Case{"take('abc', 9)", "\"abc\""},
        Case{"length('caf\xc3\xa9')", "4"}, Case{"take('\xc3\xa9t\xc3\xa9', 1)", "\"\xc3\xa9\""},
        Case{"indexOf('\xc3\xa9t\xc3\xa9', 't')", "1"}, Case{"substring('\xc3\xa9t\xc3\xa9', 1, 1)", "\"t\""},
        Case{"format('{0:000}', -5)", "\"-005\""}, Case{"format('{0:F1}|{0:F0}|{0:G}', 5)", "\"5.0|5|5\""},
        Case{"json('{''a'': ''it\\''s''}').a", "\"it's\""},
        Case{"parseUri('https://a.example:8443/x/y?q=1#f')",
             R"({"scheme":"https","host":"a.example","port":8443,"path":"/x/y","query":"?q=1"})"},
        Case{"parseUri('http://[::1]').path", "\"/\""},
        Case{"buildUri(parseUri('https://a.example:8443/x/y?q=1'))", "\"https://a.example:8443/x/y?q=1\""},
        Case{"buildUri(createObject('scheme', 'http', 'host', 'a'))", "\"http://a/\""},
        Case{"toPhysicalZone('s', 'westeurope', '2')", "\"westeurope-az2\""},
        Case{"toLogicalZones('s', 'westeurope', createArray('westeurope-az3'))", R"(["3"])"}));

INSTANTIATE_TEST_SUITE_P(
    Collections, Functions,
    testing::Values(
        Case{"array('a')", R"(["a"])"}, Case{"array(createArray(1))", "[1]"},
        Case{"contains('OneTwo', 'One')", "true"}, Case{"contains(createObject('One', 1), 'one')", "true"},
        Case{"contains(createArray('a'), 'A')", "false"},
        Case{"createObject('a', 1, 'b', createArray())", R"({"a":1,"b":[]})"}, Case{"empty('')", "true"},
        Case{"empty(createArray(0))", "false"}, Case{"empty(null())", "true"},
        Case{"first(createArray(3, 4))", "3"}, Case{"last(createArray(3, 4))", "4"},
        Case{"flatten(createArray(createArray(1), createArray(2, 3)))", "[1,2,3]"},
        Case{"intersection(createArray(1, 2, 3), createArray(3, 2))", "[2,3]"},
        Case{"intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))", R"({"a":1})"},
        Case{"items(createObject('b', 1, 'a', 2))[0].key", "\"a\""},
        Case{"length(createObject('a', 1))", "1"}, Case{"max(1, 5, 3)", "5"},
        Case{"min(createArray(4, 2))", "2"}, Case{"range(5, 3)", "[5,6,7]"},
        Case{"skip(createArray(1, 2, 3), 2)", "[3]"}, Case{"take(createArray(1, 2, 3), 2)", "[1,2]"},
        Case{"tryGet(createObject('a', createObject('b', 1)), 'a', 'b')", "1"},
        Case{"tryGet(createObject('a', 1), 'x', 'y')", "null"}, Case{"tryGet(createArray(1, 2), 1)", "2"},
        Case{"indexFromEnd(createArray(1, 2), 1)", "2"}, Case{"tryIndexFromEnd(createArray(1), 3)", "null"},
        Case{"union(createArray(1, 2), createArray(2, 3))", "[1,2,3]"},
        Case{"union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))",
             R"({"a":{"x":1,"y":2}})"},
        Case{"shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('a', "
             "createObject('y', 2))))",
             R"({"a":{"y":2}})"},
        Case{"objectKeys(createObject('b', 1, 'a', 2))", R"(["a","b"])"},
        Case{"map(range(0, 3), lambda('i', mul(lambdaVariables('i'), 2)))", "[0,2,4]"},
        Case{"map(createArray('a', 'b'), lambda('x', 'i', format('{0}{1}', lambdaVariables('x'), "
             "lambdaVariables('i'))))",
             R"(["a0","b1"])"},
        Case{"filter(range(0, 5), lambda('i', greater(lambdaVariables('i'), 2)))", "[3,4]"},
        Case{"reduce(range(1, 4), 0, lambda('sum', 'x', add(lambdaVariables('sum'), lambdaVariables('x'))))",
             "10"},
        Case{"sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))",
             "[1,2,3]"},
        Case{"toObject(createArray('a', 'b'), lambda('x', lambdaVariables('x')), lambda('x', "
             "toUpper(lambdaVariables('x'))))",
             R"({"a":"A","b":"B"})"},
        Case{"groupBy(createArray('aa', 'b', 'ab'), lambda('x', first(lambdaVariables('x'))))",
             R"({"a":["aa","ab"],"b":["b"]})"},
        Case{"mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))", R"({"a":2})"},
        Case{"map(range(0, 2), lambda('i', map(range(0, 2), lambda('j', add(mul(lambdaVariables('i'), 10), "
             "lambdaVariables('j'))))))",
             "[[0,1],[10,11]]"}));

INSTANTIATE_TEST_SUITE_P(
    LogicNumbersTimeNetworks, Functions,
    testing::Values(Case{"and(true(), not(false()))", "true"}, Case{"or(false(), equals('a', 'A'))", "false"},
                    Case{"bool('true')", "true"}, Case{"bool(0)", "false"},
                    Case{"coalesce(null(), '', 'a')", "\"\""},
                    Case{"if(true(), 'yes', parameters('missing'))", "\"yes\""},
                    Case{"or(true(), parameters('missing'))", "true"},
                    Case{"equals(createObject('a', 1, 'b', 2), createObject('b', 2, 'a', 1))", "true"},
                    Case{"greater(2, 1)", "true"}, Case{"less('a', 'b')", "true"},
                    Case{"greaterOrEquals(2, 2)", "true"}, Case{"lessOrEquals(3, 2)", "false"},
                    Case{"add(1, -2)", "-1"}, Case{"sub(5, 3)", "2"}, Case{"mul(5, 3)", "15"},
                    Case{"div(8, 3)", "2"}, Case{"mod(7, 3)", "1"}, Case{"int('42')", "42"},
                    Case{"dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", "\"2023-04-07T14:53:14Z\""},
                    Case{"dateTimeAdd('2020-01-31', 'P1M', 'yyyy-MM-dd')", "\"2020-02-29\""},
                    Case{"dateTimeAdd('2020-01-01T00:00:00Z', '-PT30M', 'HH:mm')", "\"23:30\""},
                    Case{"dateTimeToEpoch('2020-01-01T00:00:00Z')", "1577836800"},
                    Case{"dateTimeToEpoch('2020-01-01T00:01Z')", "1577836860"},
                    Case{"dateTimeFromEpoch(1577836800)", "\"2020-01-01T00:00:00Z\""},
                    Case{"utcNow()", "\"19700101T000000Z\""}, Case{"utcNow('yyyy')", "\"1970\""},
                    Case{"parseCidr('10.144.0.0/20').broadcast", "\"10.144.15.255\""},
                    Case{"parseCidr('10.144.0.0/20').netmask", "\"255.255.240.0\""},
                    Case{"cidrSubnet('10.144.0.0/20', 24, 1)", "\"10.144.1.0/24\""},
                    Case{"cidrHost('10.144.3.0/24', 0)", "\"10.144.3.1\""},
                    Case{"cidrHost('10.144.3.0/24', 254)",
                         "! cidrHost() cannot be computed: the network has no host of that index"},
                    Case{"parseCidr('fdad:3236:5555::/48').firstUsable", "\"fdad:3236:5555::\""},
                    Case{"cidrSubnet('fd00::/16', 32, 1)", "\"fd00:1::/32\""}));

INSTANTIATE_TEST_SUITE_P(
    Places, Functions,
    testing::Values(Case{"subscription().subscriptionId", "\"00000000-0000-0000-0000-000000000000\""},
                    Case{"resourceGroup().name", "\"passerelle\""}, Case{"deployment().name", "\"main\""},
                    Case{"environment().suffixes.storage", "\"core.windows.net\""},
                    Case{"resourceId('Microsoft.Network/a/b', 'x', 'y')",
                         "\"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/passerelle/"
                         "providers/Microsoft.Network/a/x/b/y\""},
                    Case{"resourceId('other', 'Microsoft.Network/a', 'x')",
                         "\"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/other/"
                         "providers/Microsoft.Network/a/x\""},
                    Case{"subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'x')",
                         "\"/subscriptions/00000000-0000-0000-0000-000000000000/providers/"
                         "Microsoft.Authorization/roleDefinitions/x\""},
                    Case{"extensionResourceId('/a', 'M.N/locks', 'x')", "\"/a/providers/M.N/locks/x\""},
                    Case{"tenantResourceId('M.N/p', 'x')", "\"/providers/M.N/p/x\""}));

INSTANTIATE_TEST_SUITE_P(
    Mistakes, Functions,
    testing::Values(
        Case{"concatt('a')", "! there is no template function concatt(); did you mean concat()?"},
        Case{"substring('abc', 2, 5)",
             "! substring() cannot be computed: 5 characters from 2 on do not lie within a string of 3"},
        Case{"add('a', 1)",
             "! add() cannot be computed: it takes a whole number as argument 1, not a string"},
        Case{"div(1, 0)", "! div() cannot be computed: it divides by zero"},
        Case{"mul(9223372036854775807, 2)", "! mul() cannot be computed: its result does not fit in 64 bits"},
        Case{"range(0, 1000000)",
             "! range() cannot be computed: it takes a start and a count from 0 to 10000"},
        Case{"not('x')", "! not() cannot be computed: it takes true or false as argument 1, not a string"},
        Case{"if('x', 1, 2)", "! the condition of if() is true or false, not 'x'"},
        Case{"createObject('a', 1).b", "! createObject('a', 1) has no property 'b'"},
        Case{"createArray(1)[3]", "! createArray(1) has no element [3], only 1"},
        Case{"createObject('name', 1).nmae",
             "! createObject('name', 1) has no property 'nmae'; did you mean 'name'?"},
        Case{"split('a')", "! split() takes 2 arguments, not 1"},
        Case{"lambdaVariables('x')", "! no lambda around this has a variable 'x'"},
        Case{"copyIndex()", "! copyIndex() stands in no copy"},
        Case{"concat('a'",
             "! the expression \"[concat('a']\" cannot be read: ',' or ')' was expected at character 12, not "
             "the end"}));

TEST_F(Language, EvaluatesOnlyWhatIsReached) {
  EXPECT_EQ(
      out(R"({ "parameters": { "needed": { "type": "string", "defaultValue": "v" }, "other": { "type": "string" } },
    "variables": { "all": { "a": "[parameters('needed')]", "b": "[parameters('other')]" }, "out": "[variables('all').a]" } })"),
      "\"v\"");
}

TEST_F(Language, NamesIgnoreCase) {
  EXPECT_EQ(out(R"({ "variables": { "Name": { "Inner": 1 }, "out": "[VARIABLES('nAME').iNNER]" } })"), "1");
}

TEST_F(Language, TextThatOnlyLooksLikeAnExpressionIsText) {
  EXPECT_EQ(out(R"({ "variables": { "out": "[[concat('a')]" } })"), "\"[concat('a')]\"");
  EXPECT_EQ(out(R"({ "variables": { "out": "[a] and b" } })"), "\"[a] and b\"");
  EXPECT_EQ(out(R"({ "variables": { "out": "[[x" } })"), "\"[[x\"");
  // What a function made is never evaluated again.
  EXPECT_EQ(eval("concat('[', 'variables(1)', ']')"), "\"[variables(1)]\"");
}

TEST_F(Language, CyclesAreNamed) {
  EXPECT_EQ(
      out(R"({ "variables": { "out": "[variables('b')]", "b": "[variables('out')]" } })"),
      "! these need each other, so none has a value: variables('out') -> variables('b') -> variables('out')");
  EXPECT_THAT(
      out(R"({ "parameters": { "a": { "type": "string", "defaultValue": "[parameters('a')]" } }, "variables": { "out": "[parameters('a')]" } })"),
      HasSubstr("need each other"));
  EXPECT_THAT(out(R"({ "variables": { "out": { "x": "[variables('out')]" } } })"),
              HasSubstr("need each other"));
}

TEST_F(Language, ParametersHaveTypesRangesAndDefaults) {
  const std::string text =
      R"({ "parameters": { "size": { "type": "int", "minValue": 2, "maxValue": 5, "defaultValue": 3 },
    "tier": { "type": "string", "allowedValues": [ "Basic", "Standard" ], "defaultValue": "Basic" },
    "list": { "type": "array", "minLength": 1, "defaultValue": [ 1 ] },
    "maybe": { "type": "string", "nullable": true }, "group": { "$ref": "#/definitions/g", "defaultValue": { "a": "[parameters('size')]" } } },
    "definitions": { "g": { "type": "object" } },
    "variables": { "out": [ "[parameters('size')]", "[parameters('tier')]", "[parameters('list')]", "[parameters('maybe')]", "[parameters('group').a]" ] } })";
  EXPECT_EQ(out(text), R"([3,"Basic",[1],null,3])");
  EXPECT_EQ(out(text, {{"size", R"({"value": 5})"}, {"tier", R"({"value": "standard"})"}}),
            R"([5,"standard",[1],null,5])");
  EXPECT_EQ(out(text, {{"size", R"({"value": 6})"}}),
            "! the value of the parameter 'size', 6, is above its maxValue 5");
  EXPECT_EQ(out(text, {{"size", R"({"value": "5"})"}}), "! the parameter 'size' is of type int, not '5'");
  EXPECT_EQ(
      out(text, {{"tier", R"({"value": "Gold"})"}}),
      "! the value of the parameter 'tier', 'Gold', is none of its allowedValues ('Basic', 'Standard')");
  EXPECT_EQ(out(text, {{"list", R"({"value": []})"}}),
            "! the value of the parameter 'list', an array, is below its minLength 1");
  EXPECT_THAT(
      out(R"({ "parameters": { "name": { "type": "string" } }, "variables": { "out": "[parameters('name')]" } })"),
      HasSubstr("has no value; give --parameters name=VALUE"));
  EXPECT_THAT(
      out(R"({ "parameters": { "name": { "type": "string" } }, "variables": { "out": "[parameters('nmae')]" } })"),
      HasSubstr("did you mean 'name'?"));
}

TEST_F(Language, ASecretIsNeverShown) {
  const std::string text =
      R"({ "parameters": { "secret": { "type": "securestring", "maxLength": 3 } }, "variables": { "out": "[parameters('secret')]" } })";
  EXPECT_EQ(out(text, {{"secret", R"({"value": "hunter2"})"}}),
            "! the value of the parameter 'secret', a secret, is above its maxLength 3");
  const std::string derived =
      R"({ "parameters": { "secret": { "type": "securestring" } }, "variables": { "out": "[int(concat(parameters('secret'), 'x'))]" } })";
  EXPECT_EQ(out(derived, {{"secret", R"({"value": "hunter2"})"}}),
            "! int() cannot be computed: a secret is no whole number");
}

TEST_F(Language, CopiesInVariablesAndProperties) {
  EXPECT_EQ(
      out(R"({ "variables": { "copy": [ { "name": "out", "count": 3, "input": { "n": "[copyIndex('out', 1)]" } } ] } })"),
      R"([{"n":1},{"n":2},{"n":3}])");
  EXPECT_EQ(
      out(R"({ "variables": { "out": { "copy": [ { "name": "a", "count": 2, "input": "[copyIndex('a')]" }, { "name": "b", "count": 0, "input": 1 } ], "c": 1 } } })"),
      R"({"c":1,"a":[0,1],"b":[]})");
  EXPECT_EQ(
      out(R"({ "variables": { "out": { "copy": [ { "name": "o", "count": 2, "input": { "copy": [ { "name": "i", "count": 2, "input": "[add(mul(copyIndex('o'), 10), copyIndex('i'))]" } ] } } ] } } })"),
      R"({"o":[{"i":[0,1]},{"i":[10,11]}]})");
  EXPECT_EQ(out(R"({ "variables": { "copy": [ { "name": "out", "count": 100000, "input": 1 } ] } })"),
            "! a copy's count is a whole number from 0 to 800, not 100000");
}

TEST_F(Language, FunctionsOfTheTemplate) {
  const std::string text =
      R"({ "functions": [ { "namespace": "my", "members": { "name": { "parameters": [ { "name": "p", "type": "string" } ],
    "output": { "type": "string", "value": "[concat('x-', toLower(parameters('p')))]" } } } } ], "variables": { "out": "[my.name('ABC')]" } })";
  EXPECT_EQ(out(text), "\"x-abc\"");
  EXPECT_EQ(out(R"({ "variables": { "out": "[my.name('ABC')]" } })"),
            "! the template defines no function my.name()");
}

// Where deployments are, reference() follows their outputs; both expression scopes.
TEST_F(Language, NestedDeploymentsHaveTheirScopesAndOutputs) {
  const auto text = [](std::string_view scope) {
    return fmt::format(R"({{ "variables": {{ "v": "outer", "out": "[reference('inner').outputs.o.value]" }},
      "resources": [ {{ "type": "Microsoft.Resources/deployments", "name": "inner", "properties": {{
        {} "parameters": {{ "p": {{ "value": "[concat(variables('v'), '-given')]" }} }},
        "template": {{ "parameters": {{ "p": {{ "type": "string" }} }}, "variables": {{ "v": "inner" }}, "resources": [],
          "outputs": {{ "o": {{ "type": "string", "value": "[variables('v')]" }} }} }} }} }} ] }})",
                       scope);
  };
  EXPECT_EQ(out(text("")), "\"outer\"");
  EXPECT_EQ(out(text(R"("expressionEvaluationOptions": { "scope": "inner" },)")), "\"inner\"");
}

TEST_F(Language, AResourceOfTheTemplateAnswersForItself) {
  EXPECT_EQ(
      out(R"({ "variables": { "out": "[reference(resourceId('Microsoft.Network/networkInterfaces', 'nic1')).ipConfigurations[0].properties.privateIPAddress]" },
    "resources": [ { "type": "Microsoft.Network/networkInterfaces", "name": "[concat('nic', copyIndex())]", "copy": { "name": "n", "count": 2 },
      "properties": { "ipConfigurations": [ { "properties": { "privateIPAddress": "[concat('10.0.0.', copyIndex(4))]" } } ] } } ] })"),
      "\"10.0.0.5\"");
  EXPECT_EQ(
      out(R"({ "languageVersion": "2.0", "variables": { "out": "[reference('web').dns]" }, "resources": { "web": { "type": "M.W/sites", "name": "w", "properties": { "dns": "a.b" } } } })"),
      "\"a.b\"");
}

TEST_F(Language, WhatOnlyAzureKnowsIsAskedOfTheLocalFile) {
  const std::string text = R"({ "variables": { "out": "[reference('frontend').outputs.fqdn.value]" } })";
  EXPECT_EQ(
      out(text),
      "! only Azure knows reference('frontend').outputs.fqdn.value; say what it is here, in the local file: "
      "\"references\": { \"reference('frontend').outputs.fqdn.value\": \"…\" }");
  EXPECT_THAT(evaluator_->unanswered(), ElementsAre("reference('frontend').outputs.fqdn.value"));
  answers_.add(compact_call("Reference( 'Frontend' ).outputs"),
               *read_json(R"({ "fqdn": { "value": "b" } })", 0, *problems_), {});
  EXPECT_EQ(out(text), "\"b\"") << "with the rest of the path from its value; blanks and case ignored";
  answers_.add("reference('frontend').outputs.fqdn.value", make_text("a"), {});
  EXPECT_EQ(out(text), "\"a\"") << "the longest wins";
  answers_.add("Microsoft.Web/sites/w", *read_json(R"({ "defaultHostName": "w.example" })", 0, *problems_),
               {});
  EXPECT_EQ(
      out(R"({ "variables": { "out": "[reference(resourceId('Microsoft.Web/sites', 'w')).defaultHostName]" } })"),
      "\"w.example\"");
  answers_.add("parameters('secret')", make_text("s"), {});
  EXPECT_EQ(
      out(R"({ "parameters": { "secret": { "type": "string" } }, "variables": { "out": "[parameters('secret')]" } })",
          {{"secret", R"({ "reference": { "keyVault": { "id": "/x/vaults/v" }, "secretName": "n" } })"}}),
      "\"s\"");
}

TEST_F(Language, OneLoopAmongVariablesIsRunWhenItIsAskedFor) {
  EXPECT_EQ(
      out(R"({ "variables": { "n": 2, "copy": [ { "name": "out", "count": "[variables('n')]", "input": "[copyIndex('out')]" } ] } })"),
      "[0,1]");
  EXPECT_EQ(
      out(R"({ "parameters": { "n": { "type": "int" } }, "variables": { "out": "fine", "copy": [ { "name": "unused", "count": "[parameters('n')]", "input": 1 } ] } })"),
      "\"fine\"");
}

TEST_F(Language, CopiesOfASymbolicResourceAreFoundByIndexAndAllAtOnce) {
  const auto text = [](std::string_view expression) {
    return fmt::format(
        R"({{ "languageVersion": "2.0", "variables": {{ "out": "[{}]" }}, "resources": {{ "m": {{ "type": "M.N/x", "name": "[format('n{{0}}', copyIndex())]",
      "copy": {{ "name": "m", "count": 3 }}, "properties": {{ "i": "[copyIndex()]" }} }} }} }})",
        expression);
  };
  EXPECT_EQ(out(text("reference('m[1]').i")), "1");
  EXPECT_EQ(out(text("reference(format('m[{0}]', 2)).i")), "2");
  EXPECT_EQ(out(text("map(references('m'), lambda('r', lambdaVariables('r').i))")), "[0,1,2]");
  EXPECT_EQ(out(text("reference('n1', '2020-01-01', 'Full').properties.i")), "1");
}

TEST_F(Language, AnIdOfAnotherGroupIsNotThisTemplates) {
  EXPECT_THAT(
      out(R"({ "variables": { "out": "[reference(resourceId('elsewhere', 'M.N/x', 'n')).i]" }, "resources": [ { "type": "M.N/x", "name": "n", "properties": { "i": 1 } } ] })"),
      HasSubstr("only Azure knows"));
}

TEST_F(Language, WhatIsMadeOfASecretIsOne) {
  const auto text = [](std::string_view expression) {
    return fmt::format(
        R"({{ "parameters": {{ "pw": {{ "type": "securestring", "defaultValue": "hunter22" }} }}, "variables": {{ "out": "[int({})]" }} }})",
        expression);
  };
  for (const char* expression :
       {"parameters('pw')", "split(concat('x,', parameters('pw')), ',')[1]",
        "json(concat('{\"a\":\"', parameters('pw'), '\"}')).a",
        "map(split(parameters('pw'), ','), lambda('x', lambdaVariables('x')))[0]",
        "items(createObject(parameters('pw'), 1))[0].key", "first(createArray(parameters('pw')))",
        "resourceId('M.N/x', parameters('pw'))"}) {
    const std::string quoted = to_json(make_text(expression));
    EXPECT_THAT(out(text(quoted.substr(1, quoted.size() - 2))), testing::Not(HasSubstr("hunter")))
        << expression;
  }
  const std::string beside =
      R"({ "parameters": { "pw": { "type": "securestring", "defaultValue": "hunter22" } }, "variables": { "out": "[int(createObject('a', parameters('pw'), 'b', 'seen').b)]" } })";
  EXPECT_THAT(out(beside), HasSubstr("'seen'")) << "what stands beside a secret is none";
}

TEST_F(Language, ASecretOfTheLocalFileStaysOne) {
  JsonValue secret = make_text("hunter22");
  secret.secret = true;
  answers_.add("listkeys('a','b').k", secret, {});
  EXPECT_THAT(out(R"({ "variables": { "out": "[int(concat(listKeys('a', 'b').k, 'x'))]" } })"),
              testing::Not(HasSubstr("hunter")));
}

TEST_F(Language, DefinitionsSayWhatIsInside) {
  const auto text = [](std::string_view type, std::string_view value) {
    return fmt::format(
        R"({{ "definitions": {{ "port": {{ "type": "int", "minValue": 1 }}, "site": {{ "type": "object",
        "properties": {{ "host": {{ "type": "string" }}, "port": {{ "$ref": "#/definitions/port", "nullable": true }} }},
        "additionalProperties": false }} }},
      "parameters": {{ "p": {{ {}, "defaultValue": {} }} }}, "variables": {{ "out": "[parameters('p')]" }} }})",
        type, value);
  };
  const std::string_view sites = R"("type": "array", "items": { "$ref": "#/definitions/site" })";
  EXPECT_EQ(out(text(sites, R"([ { "host": "a", "port": 1 }, { "host": "b" } ])")),
            R"([{"host":"a","port":1},{"host":"b"}])");
  EXPECT_EQ(out(text(sites, R"([ { "host": "a", "port": 0 } ])")),
            "! the value of the parameter 'p[0].port', 0, is below its minValue 1");
  EXPECT_EQ(out(text(sites, R"([ { "host": "[concat('a')]", "port": "[string(1)]" } ])")),
            "! the parameter 'p[0].port' is of type int, not '1'");
  EXPECT_EQ(out(text(sites, R"([ { "port": 1 } ])")), "! the parameter 'p[0]' lacks its property 'host'");
  EXPECT_EQ(out(text(sites, R"([ { "host": "a", "prt": 1 } ])")),
            "! the parameter 'p[0]' has no property 'prt'; did you mean 'port'?");
  const std::string_view pair =
      R"("type": "array", "prefixItems": [ { "type": "int" }, { "type": "string" } ], "items": false)";
  EXPECT_EQ(out(text(pair, R"([ 1, "a" ])")), R"([1,"a"])");
  EXPECT_EQ(out(text(pair, R"([ 1, "a", 2 ])")), "! the parameter 'p' is a list of 2, not 3");
  EXPECT_EQ(out(text(pair, R"([ 1, 2 ])")), "! the parameter 'p[1]' is of type string, not 2");
  EXPECT_EQ(
      out(text(R"("type": "object", "additionalProperties": { "type": "int" })", R"({ "a": 1, "b": "x" })")),
      "! the parameter 'p.b' is of type int, not 'x'");
  const std::string_view either =
      R"("type": "object", "discriminator": { "propertyName": "kind", "mapping": { "a": { "type": "object", "properties": { "n": { "type": "int" } } } } })";
  EXPECT_EQ(out(text(either, R"({ "kind": "a", "n": 1 })")), R"({"kind":"a","n":1})");
  EXPECT_EQ(out(text(either, R"({ "kind": "a", "n": "x" })")),
            "! the parameter 'p.n' is of type int, not 'x'");
  EXPECT_EQ(out(text(either, R"({ "kind": "b" })")), "! the parameter 'p.kind' is one of a, not 'b'");
}

TEST_F(Language, ASecureTypeInsideADefinitionIsSecret) {
  const auto text = [](std::string_view password, std::string_view asked) {
    return fmt::format(
        R"({{ "parameters": {{ "p": {{ "type": "object", "properties": {{ "pw": {{ "type": "securestring", "maxLength": 8 }}, "n": {{ "type": "string" }} }},
        "defaultValue": {{ "pw": "{}", "n": "seen" }} }} }}, "variables": {{ "out": "[int(parameters('p').{})]" }} }})",
        password, asked);
  };
  EXPECT_THAT(out(text("hunter22", "pw")),
              testing::AllOf(HasSubstr("int()"), testing::Not(HasSubstr("hunter"))));
  EXPECT_THAT(out(text("hunter22", "n")), HasSubstr("'seen'"));
  EXPECT_EQ(out(text("hunter22long", "n")),
            "! the value of the parameter 'p.pw', a secret, is above its maxLength 8");
}

TEST_F(Language, AFunctionOfTheTemplateChecksItsArguments) {
  EXPECT_EQ(
      out(R"({ "functions": [ { "namespace": "my", "members": { "twice": { "parameters": [ { "name": "n", "type": "int" } ],
    "output": { "type": "int", "value": "[mul(parameters('n'), 2)]" } } } } ], "variables": { "out": "[my.twice('ABC')]" } })"),
      "! argument 1 of my.twice() is of type int, not 'ABC'");
}

TEST_F(Language, ParametersOfListsAndLengthsCountAsAzureCounts) {
  EXPECT_EQ(
      out(R"({ "parameters": { "p": { "type": "array", "allowedValues": [ "a", "b" ], "defaultValue": [ "b" ] } }, "variables": { "out": "[parameters('p')]" } })"),
      R"(["b"])");
  EXPECT_EQ(out("{ \"parameters\": { \"p\": { \"type\": \"string\", \"maxLength\": 2, \"defaultValue\": "
                "\"\xc3\xa9\xc3\xa9\" } }, \"variables\": { \"out\": \"[length(parameters('p'))]\" } }"),
            "2");
  EXPECT_EQ(
      out(R"({ "parameters": { "p": { "type": "array", "defaultValue": [ 1 ] } }, "variables": { "out": "[parameters('p')]" } })",
          {{"p", R"({"value": null})"}}),
      "[1]")
      << "a null that is handed down says nothing";
}

TEST_F(Language, ADeploymentThatNeedsItselfIsNamed) {
  EXPECT_THAT(
      out(R"({ "variables": { "out": "[reference('d').outputs.o.value]" }, "resources": [ { "type": "Microsoft.Resources/deployments", "name": "d", "properties": {
    "template": { "resources": [], "outputs": { "o": { "type": "string", "value": "[reference('d').outputs.o.value]" } } } } } ] })"),
      HasSubstr("need each other"));
}

TEST_F(Language, ResourcesWhoseNamesAskForResourcesDoNotMultiply) {
  std::string text = R"({ "variables": { "out": "[reference('q').x]" }, "resources": [ )";
  for (int i = 0; i < 200; ++i)
    text += fmt::format(R"({}{{ "type": "M.N/x", "name": "[concat('n{}', reference('z{}').y)]" }})",
                        i == 0 ? "" : ", ", i, i);
  EXPECT_THAT(out(text + " ] }"), HasSubstr("only Azure knows"));
}

TEST_F(Language, NoChainIsLongerThanTheStack) {
  std::string links = R"({ "variables": { "a0": "x")";
  for (int i = 1; i < 9999; ++i) links += fmt::format(R"(, "a{}": "[variables('a{}')]")", i, i - 1);
  EXPECT_THAT(out(links + R"(, "out": "[variables('a9998')]" } })"), HasSubstr("too deeply"));
  std::string postfixes = "variables('a')";
  for (int i = 0; i < 5000; ++i) postfixes += ".a";
  EXPECT_THAT(eval(postfixes), HasSubstr("too many properties"));
  EXPECT_THAT(eval("concat('" + std::string(30000, 'a') + "')"), HasSubstr("at most 24576 characters"));
}

TEST_F(Language, ACallIsRefusedBeforeItMakesTooMuch) {
  std::string list = R"({ "variables": { "list": [ 0)";
  for (int i = 1; i < 20000; ++i) list += ",0";
  std::string call = "concat(variables('list')";
  for (int i = 0; i < 200; ++i) call += ", variables('list')";
  EXPECT_THAT(out(list + R"( ], "out": "[length()" + call + R"())]" } })"),
              HasSubstr("evaluating the template takes more than"));
  EXPECT_THAT(
      out(list +
          R"( ], "out": "[length(map(range(0, 10000), lambda('i', length(variables('list')))))]" } })"),
      HasSubstr("evaluating the template takes more than"));
}

TEST_F(Language, NothingGrowsBeyondItsLimit) {
  std::string doubling = R"({ "variables": { "v0": [ 1, 2, 3, 4, 5, 6, 7, 8 ])";
  for (int i = 1; i <= 40; ++i)
    doubling += fmt::format(R"(, "v{}": "[concat(variables('v{}'), variables('v{}'))]")", i, i - 1, i - 1);
  EXPECT_THAT(out(doubling + R"(, "out": "[variables('v40')]" } })"),
              HasSubstr("evaluating the template takes more than"));
  std::string text = R"({ "variables": { "v0": "0123456789")";
  for (int i = 1; i <= 40; ++i)
    text += fmt::format(R"(, "v{}": "[concat(variables('v{}'), variables('v{}'))]")", i, i - 1, i - 1);
  EXPECT_THAT(out(text + R"(, "out": "[variables('v40')]" } })"), HasSubstr("its result is longer than"));
  std::string chain = R"({ "variables": { "v0": 1)";
  for (int i = 1; i <= 5000; ++i) chain += fmt::format(R"(, "v{}": "[add(variables('v{}'), 1)]")", i, i - 1);
  EXPECT_THAT(out(chain + R"(, "out": "[variables('v5000')]" } })"), HasSubstr("too deeply"));
  std::string deep(500, '(');
  EXPECT_THAT(eval("concat" + deep), HasSubstr("cannot be read"));
}

TEST(DateTime, FormatsAsDotNetDoes) {
  EXPECT_EQ(format_date_time(1577836800, "R").value(), "Wed, 01 Jan 2020 00:00:00 GMT");
  EXPECT_EQ(format_date_time(1577836800, "dddd d MMMM yy, h:mm tt").value(),
            "Wednesday 1 January 20, 12:00 AM");
  EXPECT_FALSE(format_date_time(1577836800, "Q"));
  EXPECT_FALSE(parse_date_time("2020-13-01"));
  EXPECT_EQ(parse_date_time("2020-01-01T02:00:00+02:00"), 1577836800);
  EXPECT_FALSE(add_duration(0, "P"));
  EXPECT_FALSE(add_duration(0, "1D"));
}

}  // namespace
}  // namespace passerelle::arm
