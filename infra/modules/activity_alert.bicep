// One alert about what Azure Resource Manager logs of the resource group. It costs nothing, and is told once for each event.

@description('Name of the alert.')
@maxLength(260)
param alertName string

@description('What the alert means.')
param alertDescription string

@description('Operations that it tells of, as the activity log names them.')
param operations array

@description('Where docs/operations.md tells what to do.')
param runbook string

@description('Name of the action group.')
param actionGroupName string

@description('Tags of every resource.')
param tags object

var anyOperation = [for operation in operations: {
  field: 'operationName'
  equals: operation
}]

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' existing = {
  name: actionGroupName
}

resource alert 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: alertName
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    description: '${alertDescription} See ${runbook}'
    scopes: [
      resourceGroup().id
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'Administrative'
        }
        {
          field: 'status'
          equals: 'Succeeded'
        }
        {
          anyOf: anyOperation
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: actionGroup.id
        }
      ]
    }
  }
}
