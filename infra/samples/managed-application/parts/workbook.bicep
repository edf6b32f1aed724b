// The workbook in which the customer sees what the assignments say. It asks Azure Resource Graph with the rights of whoever
// opens it, and keeps nothing.

@description('Azure region.')
param location string

var assignments = replace(loadTextContent('../assignments.kql'), '{group}', resourceGroup().id)
var resources = replace(loadTextContent('../resources.kql'), '{group}', resourceGroup().id)
var layout = any(loadJsonContent('../compliance.workbook.json'))
var queries = {
  assignments: assignments
  resources: resources
}

var items = [for item in layout.items: contains(item.content, 'query') ? union(item, {
  content: union(item.content, {
    query: queries[item.content.query]
    crossComponentResources: [
      subscription().id
    ]
  })
}) : item]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'policy-compliance')
  location: location
  kind: 'shared'
  properties: {
    displayName: 'Policy compliance of the application'
    category: 'workbook'
    sourceId: 'Azure Monitor'
    version: '1.0'
    serializedData: string(union(layout, {
      items: items
    }))
  }
}
