// The workbook: layout from a JSON file, queries from .kql files, put together here.

@description('Azure region.')
param location string

@description('Name in the portal.')
param displayName string

@description('Name of the Log Analytics workspace that the workbook reads.')
param workspaceName string

@description('Tags of every resource.')
param tags object

var layout = any(loadJsonContent('../workbooks/compliance.workbook.json'))

// What stands, and how it is looked up, is written once: in the product's own queries, each up to the end of a block. What is
// left of the marker is an empty comment. Drill-downs look at the selected application alone, and read nothing before one is.
var everybody = 'let Only = "";'
var selected = 'let Only = \'{SelectedApplication}\';'
var counted = split(loadTextContent('../queries/latest_run.kql'), 'end counted')[0]
var fleet = split(loadTextContent('../queries/applications.kql'), 'end fleet')[0]
var violations = replace(split(loadTextContent('../queries/noncompliant_resources.kql'), 'end violations')[0], everybody, selected)
var missing = replace(split(loadTextContent('../queries/states_missing.kql'), 'end missing')[0], everybody, selected)

// The layout names a query by the name of its file.
var queries = {
  assignments: loadTextContent('../workbooks/assignments.kql')
  collector_history: loadTextContent('../workbooks/collector_history.kql')
  collector_runs: loadTextContent('../workbooks/collector_runs.kql')
  customers: loadTextContent('../workbooks/customers.kql')
  customers_parameter: loadTextContent('../workbooks/customers_parameter.kql')
  dropped_rows: loadTextContent('../workbooks/dropped_rows.kql')
  fleet_history: loadTextContent('../workbooks/fleet_history.kql')
  other_states: loadTextContent('../workbooks/other_states.kql')
  resources: loadTextContent('../workbooks/resources.kql')
  states_missing: loadTextContent('../workbooks/states_missing.kql')
  summary: loadTextContent('../workbooks/summary.kql')
  unread: loadTextContent('../workbooks/unread.kql')
}

var parameters = [for parameter in layout.parameters: contains(parameter, 'query') ? union(parameter, {
  query: replace(queries[parameter.query], '{fleet}', fleet)
}) : parameter]

var items = [for item in layout.items: contains(item.content, 'query') ? union(item, {
  content: union(item.content, {
    query: replace(replace(replace(replace(queries[item.content.query], '{counted}', counted), '{fleet}', fleet), '{violations}', violations), '{missing}', missing)
  })
}) : item]

var parametersItem = {
  type: 9
  name: 'parameters'
  content: {
    version: 'KqlParameterItem/1.0'
    parameters: parameters
    style: 'above'
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
  }
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspace.id, 'compliance')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    // Makes it appear in Azure Monitor's gallery; with a resource's id it would stand in that resource's gallery.
    sourceId: 'Azure Monitor'
    version: '1.0'
    serializedData: string({
      version: layout.version
      items: concat([
        parametersItem
      ], items)
      styleSettings: layout.styleSettings
      fallbackResourceIds: [
        workspace.id
      ]
    })
  }
}
